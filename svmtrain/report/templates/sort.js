"use strict";
(() => {
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    const known = cell.dataset.value;
    if (known === undefined) return cell.textContent.trim();
    const number = Number(known);
    return known === "" || Number.isNaN(number) ? null : number;
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };
  const isEmpty = (value) => value === null || value === "–";
  const sort = (table, column) => {
    const heads = [...table.tHead.rows[0].cells];
    const up = heads[column].getAttribute("aria-sort") !== "ascending";
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, value: valueOf(row, column) }));
    rows.sort((one, other) => {
      if (isEmpty(one.value) || isEmpty(other.value)) return isEmpty(one.value) - isEmpty(other.value);
      return (up ? 1 : -1) * compare(one.value, other.value);
    });
    for (const { row } of rows) table.tBodies[0].append(row);
    for (const head of heads) head.removeAttribute("aria-sort");
    heads[column].setAttribute("aria-sort", up ? "ascending" : "descending");
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, column));
      head.append(button);
    });
  }
  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
  });
})();
