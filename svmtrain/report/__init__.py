"""What runs came to, gathered, drawn and laid out as one page."""
