// Package greeting has the messages of rpc-server and rpc-client, and functions for their
// RPC: evrpcgen writes both from greeting.rpc.
//
// # Files
//
//	greeting.rpc.go  what evrpcgen has written
package greeting

//go:generate go run ../../../tools/evrpcgen greeting.rpc
