// Package examples is where the tests of the example programs are. The programs
// are in the folders below it; README.md lists them.
package examples
