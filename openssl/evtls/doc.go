// Package evtls has TLS bufferevents, on the standard library's crypto/tls.
package evtls
