# SPDX-License-Identifier: MIT
# The library, its tests and its command line tool. testx509 reads its certificates from test/x509
# of the current folder: /share/bearssl has that, and samples of chains and keys for brssl.
KIND := library
SOURCES := $(patsubst %,src/%.c,settings) \
	$(patsubst %,src/aead/%.c,ccm eax gcm) \
	$(patsubst %,src/codec/%.c,ccopy dec16be dec16le dec32be dec32le dec64be dec64le enc16be enc16le \
	enc32be enc32le enc64be enc64le pemdec pemenc) \
	$(patsubst %,src/ec/%.c,ec_all_m15 ec_all_m31 ec_c25519_i15 ec_c25519_i31 ec_c25519_m15 \
	ec_c25519_m31 ec_curve25519 ec_default ec_keygen ec_p256_m15 ec_p256_m31 ec_prime_i15 \
	ec_prime_i31 ec_pubkey ec_secp256r1 ec_secp384r1 ec_secp521r1 ecdsa_atr ecdsa_default_sign_asn1 \
	ecdsa_default_sign_raw ecdsa_default_vrfy_asn1 ecdsa_default_vrfy_raw ecdsa_i15_bits \
	ecdsa_i15_sign_asn1 ecdsa_i15_sign_raw ecdsa_i15_vrfy_asn1 ecdsa_i15_vrfy_raw ecdsa_i31_bits \
	ecdsa_i31_sign_asn1 ecdsa_i31_sign_raw ecdsa_i31_vrfy_asn1 ecdsa_i31_vrfy_raw ecdsa_rta) \
	$(patsubst %,src/hash/%.c,dig_oid dig_size ghash_ctmul ghash_ctmul32 ghash_ctmul64 ghash_pclmul \
	ghash_pwr8 md5 md5sha1 mgf1 multihash sha1 sha2big sha2small) \
	$(patsubst %,src/int/%.c,i15_add i15_bitlen i15_decmod i15_decode i15_decred i15_encode \
	i15_fmont i15_iszero i15_moddiv i15_modpow i15_modpow2 i15_montmul i15_mulacc i15_muladd \
	i15_ninv15 i15_reduce i15_rshift i15_sub i15_tmont i31_add i31_bitlen i31_decmod i31_decode \
	i31_decred i31_encode i31_fmont i31_iszero i31_moddiv i31_modpow i31_modpow2 i31_montmul \
	i31_mulacc i31_muladd i31_ninv31 i31_reduce i31_rshift i31_sub i31_tmont i32_add i32_bitlen \
	i32_decmod i32_decode i32_decred i32_div32 i32_encode i32_fmont i32_iszero i32_modpow \
	i32_montmul i32_mulacc i32_muladd i32_ninv32 i32_reduce i32_sub i32_tmont i62_modpow2) \
	$(patsubst %,src/kdf/%.c,hkdf) \
	$(patsubst %,src/mac/%.c,hmac hmac_ct) \
	$(patsubst %,src/rand/%.c,aesctr_drbg hmac_drbg sysrng) \
	$(patsubst %,src/rsa/%.c,rsa_default_keygen rsa_default_modulus rsa_default_oaep_decrypt \
	rsa_default_oaep_encrypt rsa_default_pkcs1_sign rsa_default_pkcs1_vrfy rsa_default_priv \
	rsa_default_privexp rsa_default_pub rsa_default_pubexp rsa_i15_keygen rsa_i15_modulus \
	rsa_i15_oaep_decrypt rsa_i15_oaep_encrypt rsa_i15_pkcs1_sign rsa_i15_pkcs1_vrfy rsa_i15_priv \
	rsa_i15_privexp rsa_i15_pub rsa_i15_pubexp rsa_i31_keygen rsa_i31_keygen_inner rsa_i31_modulus \
	rsa_i31_oaep_decrypt rsa_i31_oaep_encrypt rsa_i31_pkcs1_sign rsa_i31_pkcs1_vrfy rsa_i31_priv \
	rsa_i31_privexp rsa_i31_pub rsa_i31_pubexp rsa_i32_oaep_decrypt rsa_i32_oaep_encrypt \
	rsa_i32_pkcs1_sign rsa_i32_pkcs1_vrfy rsa_i32_priv rsa_i32_pub rsa_i62_keygen \
	rsa_i62_oaep_decrypt rsa_i62_oaep_encrypt rsa_i62_pkcs1_sign rsa_i62_pkcs1_vrfy rsa_i62_priv \
	rsa_i62_pub rsa_oaep_pad rsa_oaep_unpad rsa_pkcs1_sig_pad rsa_pkcs1_sig_unpad rsa_ssl_decrypt) \
	$(patsubst %,src/ssl/%.c,prf prf_md5sha1 prf_sha256 prf_sha384 ssl_ccert_single_ec \
	ssl_ccert_single_rsa ssl_client ssl_client_default_rsapub ssl_client_full ssl_engine \
	ssl_engine_default_aescbc ssl_engine_default_aesccm ssl_engine_default_aesgcm \
	ssl_engine_default_chapol ssl_engine_default_descbc ssl_engine_default_ec \
	ssl_engine_default_ecdsa ssl_engine_default_rsavrfy ssl_hashes ssl_hs_client ssl_hs_server \
	ssl_io ssl_keyexport ssl_lru ssl_rec_cbc ssl_rec_ccm ssl_rec_chapol ssl_rec_gcm \
	ssl_scert_single_ec ssl_scert_single_rsa ssl_server ssl_server_full_ec ssl_server_full_rsa \
	ssl_server_mine2c ssl_server_mine2g ssl_server_minf2c ssl_server_minf2g ssl_server_minr2g \
	ssl_server_minu2g ssl_server_minv2g) \
	$(patsubst %,src/symcipher/%.c,aes_big_cbcdec aes_big_cbcenc aes_big_ctr aes_big_ctrcbc \
	aes_big_dec aes_big_enc aes_common aes_ct aes_ct64 aes_ct64_cbcdec aes_ct64_cbcenc aes_ct64_ctr \
	aes_ct64_ctrcbc aes_ct64_dec aes_ct64_enc aes_ct_cbcdec aes_ct_cbcenc aes_ct_ctr aes_ct_ctrcbc \
	aes_ct_dec aes_ct_enc aes_pwr8 aes_pwr8_cbcdec aes_pwr8_cbcenc aes_pwr8_ctr aes_pwr8_ctrcbc \
	aes_small_cbcdec aes_small_cbcenc aes_small_ctr aes_small_ctrcbc aes_small_dec aes_small_enc \
	aes_x86ni aes_x86ni_cbcdec aes_x86ni_cbcenc aes_x86ni_ctr aes_x86ni_ctrcbc chacha20_ct \
	chacha20_sse2 des_ct des_ct_cbcdec des_ct_cbcenc des_support des_tab des_tab_cbcdec \
	des_tab_cbcenc poly1305_ctmul poly1305_ctmul32 poly1305_ctmulq poly1305_i15) \
	$(patsubst %,src/x509/%.c,asn1enc encode_ec_pk8der encode_ec_rawder encode_rsa_pk8der \
	encode_rsa_rawder skey_decoder x509_decoder x509_knownkey x509_minimal x509_minimal_full)
FLAGS := -Os
INCLUDES := $(UPSTREAM)/bearssl/inc $(UPSTREAM)/bearssl/src
PROGRAMS := brssl testcrypto testx509
SOURCES_testcrypto := test/test_crypto.c
SOURCES_testx509 := test/test_x509.c
SOURCES_brssl := $(patsubst %,tools/%.c,brssl certs chain client errors files impl keys names server skey sslio \
	ta twrch vector verify xmem)
x509_files := alltests.txt $(patsubst %,%.der,dn-ee dn-ica1 dn-ica2 dn-root-new dn-root) \
	$(patsubst %,%.crt,ee-badsig1 ee-badsig2 ee-cp1 ee-cp2 ee-cp3 ee-cp4 ee-dates ee-md5 ee-names \
	ee-names2 ee-names3 ee-names4 ee-p256-sha1 ee-p256-sha224 ee-p256-sha256 ee-p256-sha384 \
	ee-p256-sha512 ee-p256 ee-p384 ee-p521 ee-sha1 ee-sha224 ee-sha384 ee-sha512 ee-trailing ee \
	ica1-1016 ica1-1017 ica1-4096 ica1-p256 ica1-p384 ica1-p521 ica1 ica2-1016 ica2-1017 ica2-4096 \
	ica2-notCA ica2-p256 ica2-p384 ica2-p521 ica2 junk names root-p256 root-p384 root-p521 root)
samples := $(patsubst %,%.pem,cert-ee-ec+rsa cert-ee-ec cert-ee-rsa cert-ica-ec cert-ica-rsa cert-root-ec \
	cert-root-rsa key-ee-ec key-ee-rsa key-ica-ec key-ica-rsa key-root-ec key-root-rsa)
FILES := $(foreach f,$(x509_files:%=test/x509/%) $(samples:%=samples/%),share/bearssl/$(f)=$(UPSTREAM)/bearssl/$(f))
