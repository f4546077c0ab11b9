# SPDX-License-Identifier: MIT
# The library, and the self-tests that it contains.
KIND := library
SOURCES := $(patsubst %,library/%.c,aes aesni arc4 aria asn1parse asn1write base64 bignum blowfish camellia \
	ccm certs chacha20 chachapoly cipher cipher_wrap cmac constant_time ctr_drbg debug des dhm ecdh \
	ecdsa ecjpake ecp ecp_curves entropy entropy_poll error gcm havege hkdf hmac_drbg md md2 md4 md5 \
	memory_buffer_alloc mps_reader mps_trace net_sockets nist_kw oid padlock pem pk pk_wrap pkcs11 \
	pkcs12 pkcs5 pkparse pkwrite platform platform_util poly1305 psa_crypto psa_crypto_aead \
	psa_crypto_cipher psa_crypto_client psa_crypto_driver_wrappers psa_crypto_ecp psa_crypto_hash \
	psa_crypto_mac psa_crypto_rsa psa_crypto_se psa_crypto_slot_management psa_crypto_storage \
	psa_its_file ripemd160 rsa rsa_internal sha1 sha256 sha512 ssl_cache ssl_ciphersuites ssl_cli \
	ssl_cookie ssl_msg ssl_srv ssl_ticket ssl_tls ssl_tls13_keys threading timing version \
	version_features x509 x509_create x509_crl x509_crt x509_csr x509write_crt x509write_csr xtea)
INCLUDES := $(UPSTREAM)/mbedtls/include $(UPSTREAM)/mbedtls/library
PROGRAMS := mbedtls-selftest
SOURCES_mbedtls-selftest := programs/test/selftest.c
