#!/bin/sh
# Make a certificate authority and one certificate for an encrypted cluster of Dask:
#
#     sh tls.sh FOLDER      writes FOLDER/ca.pem, cert.pem and key.pem (and ca.key)
#
# Whoever has cert.pem and key.pem may join the cluster, and so run code there: scheduler, workers
# and svmtrain have them, and nobody else. ca.key signs more certificates; keep it elsewhere.
set -eu

folder=${1:?usage: sh tls.sh FOLDER}
days=365
umask 077 # the keys are for this user alone
mkdir -p "$folder"
cd "$folder"
if [ -e ca.key ]; then
    echo "tls.sh: there is an authority in $folder already; nothing was changed" >&2
    exit 1
fi

curve="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $curve -keyout ca.key -out ca.pem -days "$days" -subj "/CN=svmtrain cluster CA"
openssl req -new $curve -keyout key.pem -out cert.csr -subj "/CN=svmtrain cluster"
openssl x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days "$days"
rm cert.csr
