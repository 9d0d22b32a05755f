// Package httptls tests evhttp over evtls against peers that look closely at how
// a TLS stream ends.
package httptls
