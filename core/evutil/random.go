package evutil

import "crypto/rand"

// SecureRandomBytes fills b with random bytes that are fit for cryptography.
// They come from the system by way of crypto/rand, which needs no seed and
// cannot fail: without a source of randomness the program ends. It may be
// called from any goroutine (evutil_secure_rng_get_bytes).
//
// On old systems the first call opens a device. A program that is about to
// lose access to it, through chroot or the like, can make that call early.
func SecureRandomBytes(b []byte) {
	rand.Read(b)
}
