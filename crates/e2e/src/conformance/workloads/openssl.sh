#!/bin/bash
# Known answers of ciphers and digests, keys, signatures, and a handshake of TLS 1.3 on loopback.
set -euo pipefail
cd /tmp
printf abc | openssl dgst -sha256 -r
printf abc | openssl dgst -sha512 -hmac key -r
printf abc | openssl dgst -sha3-256 -r
key=2b7e151628aed2a6abf7158809cf4f3c
printf '\x6b\xc1\xbe\xe2\x2e\x40\x9f\x96\xe9\x3d\x7e\x11\x73\x93\x17\x2a' |
    openssl enc -aes-128-cbc -nopad -K $key -iv 000102030405060708090a0b0c0d0e0f | od -An -tx1
head -c 100000 /dev/zero | openssl enc -chacha20 -K $key$key -iv $key | openssl dgst -sha256 -r
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem
openssl req -x509 -new -key key.pem -subj /CN=localhost -days 2 -out cert.pem
printf message > message
openssl dgst -sha256 -sign key.pem -out signature message
openssl pkey -in key.pem -pubout -out public.pem
openssl dgst -sha256 -verify public.pem -signature signature message
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa.pem 2> /dev/null
openssl rsa -in rsa.pem -check -noout
openssl s_server -accept 127.0.0.1:4433 -key key.pem -cert cert.pem -quiet -naccept 1 < /dev/null > /dev/null &
server=$!
for _ in {1..200}; do grep -q ':1151 .* 0A ' /proc/net/tcp && break; sleep 0.1; done
openssl s_client -connect 127.0.0.1:4433 -CAfile cert.pem -verify_return_error -brief < /dev/null > session 2>&1
grep -e '^Protocol version' -e '^Verification' session
wait $server
