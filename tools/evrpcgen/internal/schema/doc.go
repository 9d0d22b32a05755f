// Package schema reads .rpc files: it says what they say, or what is wrong with them, all of
// it in one run, each error with file, line and column.
//
// # Files
//
//	schema.go      what files say
//	load.go        files that include others
//	scan.go        tokens and comments
//	directive.go   #define, #include, #if
//	expression.go  integer constant expressions
//	parse.go       the grammar
//	check.go       what names stand for, and what may not be there twice
//	errors.go      places and errors
package schema
