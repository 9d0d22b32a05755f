// Package rpcpage has no code. Its test follows docs/rpc.md as a reader would: it writes the
// files of the page's code blocks into an empty module, in their order, runs the commands in
// between, and compares what they print with what the page says that they do.
package rpcpage
