// Package netconn tests that the net.Conns that are made of bufferevents are what
// package net expects (golang.org/x/net/nettest).
package netconn
