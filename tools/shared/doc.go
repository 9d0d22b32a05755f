// Shared writes the files that several modules need and none can import: a module of
// its own for them would be one that only tests need, and a package of core would be
// in the way of all users. Each is made from a template in internal/shared, with
// what differs from module to module:
//
//	go generate ./tools/shared
//
// The test of the package fails if a file is not what its template makes of it, so
// that a change of one reaches the others.
//
// # Files
//
//	doc.go   this manual
//	main.go  the templates, their files, and what makes the one of the other
package main

//go:generate go run .
