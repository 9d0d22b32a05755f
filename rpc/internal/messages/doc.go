// Package messages has messages of every type and kind of field, as evrpcgen generates them,
// for tests of these and of package evrpc. Its own tests compare them with those that C's
// generator makes of the same files.
//
// # Files
//
//	doc.go                what this is
//	messages.rpc.go       generated from messages.rpc
//	messages_part.rpc.go  generated from messages_part.rpc
package messages

//go:generate go run github.com/go-libevent/libevent/tools/evrpcgen messages.rpc messages_part.rpc
