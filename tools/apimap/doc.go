// Apimap checks docs/api-map.tsv, the table that gives each public name of C
// libevent its counterpart in Go.
//
// Usage:
//
//	apimap [-root directory]
//
// It reads four things below the root of the source tree:
//
//   - docs/libevent-api.tsv, every public name of libevent: header, kind, name;
//   - docs/libevent-more.tsv, in the same way, what else programs touch: structures, and
//     names of libevent 1.4 that are kept; they are counted apart;
//   - docs/api-map.tsv, one row a name: C name, Go identifier or "-", note;
//   - the Go files of all modules, whatever their build constraints. Tests,
//     commands, testdata and internal packages are left out, since other modules cannot
//     import them.
//
// In all tables columns are separated by tabs, and empty lines and lines that
// start with # are ignored.
//
// A Go identifier is written with the name of its package, as in a method
// expression:
//
//	event.NewBase             a function, type, constant or variable
//	(*event.Base).LoopExit    a method with a pointer receiver
//	event.What.String         a method with a value receiver, or of an interface
//	event.Config.Flags        a field of a struct
//
// A "-" says that the name has no counterpart; its note must say why, or what
// replaces it.
//
// A header is covered as soon as one of its names has a row; from then on all
// of them must have one. The names of the other headers are counted as still
// to come.
//
// Apimap prints a summary for each header to the standard output and each
// problem, on a line of its own, to the standard error. Its exit status is 0
// when there are no problems, 1 when there are and 2 when it was called wrongly.
//
// # Files
//
//	main.go         flags, and the exit status
//	tables.go       reading the tables
//	identifiers.go  the exported identifiers of a tree
//	check.go        what the tables and the tree disagree about
package main
