package evcert

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// Encryption by password as PKCS#5 has it in its second version (RFC 8018).
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

type pbes2Params struct {
	KDF    pkix.AlgorithmIdentifier
	Cipher pkix.AlgorithmIdentifier
}

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// encryptedKey is a private key in PKCS#8's encrypted form (RFC 5958 section 3).
type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// passwordCiphers are those that pbes2 knows, with the lengths of their keys.
var passwordCiphers = map[string]struct {
	key  int
	make func(key []byte) (cipher.Block, error)
}{
	"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
	"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
	"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
	"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
}

// passwordHashes are those of PBKDF2's HMAC.
var passwordHashes = map[string]func() hash.Hash{
	"":                    sha1.New, // the default
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.8":  sha256.New224,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
	"1.2.840.113549.2.12": sha512.New512_224,
	"1.2.840.113549.2.13": sha512.New512_256,
}

// decryptKey opens a private key with a password.
func decryptKey(der []byte, password string) (crypto.Signer, error) {
	var k encryptedKey
	if err := unmarshal(der, &k); err != nil {
		return nil, fmt.Errorf("encrypted private key: %w", err)
	}
	plain, err := decryptPBES2(k.Algorithm, k.Data, password)
	if err != nil {
		return nil, fmt.Errorf("encrypted private key: %w", err)
	}
	key, err := parseKey(plain)
	if err != nil {
		// The padding was right by chance. Nothing else reveals a wrong
		// password.
		return nil, fmt.Errorf("encrypted private key: %w", ErrPassword)
	}
	return key, nil
}

// decryptPBES2 opens what was encrypted with a password by PBES2. A wrong
// password is found out by the padding, which one in 256 wrong ones gets right.
func decryptPBES2(alg pkix.AlgorithmIdentifier, data []byte, password string) ([]byte, error) {
	if !alg.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("%w: algorithm %v", ErrEncryption, alg.Algorithm)
	}
	var scheme pbes2Params
	if err := unmarshal(alg.Parameters.FullBytes, &scheme); err != nil {
		return nil, err
	}
	c, ok := passwordCiphers[scheme.Cipher.Algorithm.String()]
	if !ok {
		return nil, fmt.Errorf("%w: cipher %v", ErrEncryption, scheme.Cipher.Algorithm)
	}
	key, err := deriveKey(scheme.KDF, password, c.key)
	if err != nil {
		return nil, err
	}
	block, err := c.make(key)
	if err != nil {
		return nil, err
	}
	var iv []byte
	if err := unmarshal(scheme.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	if len(iv) != block.BlockSize() || len(data) == 0 || len(data)%len(iv) != 0 {
		return nil, errors.New("encrypted data has a bad length")
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	return unpad(plain, len(iv))
}

// deriveKey makes a key of n bytes from a password.
func deriveKey(alg pkix.AlgorithmIdentifier, password string, n int) ([]byte, error) {
	if !alg.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("%w: key derivation %v", ErrEncryption, alg.Algorithm)
	}
	var p pbkdf2Params
	if err := unmarshal(alg.Parameters.FullBytes, &p); err != nil {
		return nil, err
	}
	h, ok := passwordHashes[p.PRF.Algorithm.String()]
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: hash %v", ErrEncryption, p.PRF.Algorithm)
	case p.Iterations < 1 || p.Iterations > maxIterations:
		return nil, fmt.Errorf("%d iterations of key derivation are out of range", p.Iterations)
	case p.KeyLength != 0 && p.KeyLength != n:
		return nil, fmt.Errorf("key of %d bytes for a cipher of %d", p.KeyLength, n)
	}
	return pbkdf2.Key(h, password, p.Salt, p.Iterations, n)
}

// unpad removes the padding of the last block (RFC 5652 section 6.3).
func unpad(plain []byte, block int) ([]byte, error) {
	n := int(plain[len(plain)-1])
	if n == 0 || n > block {
		return nil, ErrPassword
	}
	for _, b := range plain[len(plain)-n:] {
		if int(b) != n {
			return nil, ErrPassword
		}
	}
	return plain[:len(plain)-n], nil
}

// unmarshal parses DER with nothing behind it.
func unmarshal(der []byte, to any) error {
	rest, err := asn1.Unmarshal(der, to)
	if err == nil && len(rest) > 0 {
		err = errors.New("trailing data")
	}
	return err
}
