// Package regressmap checks docs/regress-map.tsv, which says for each case of
// libevent's own tests (test/regress*.c) where this library tests the same, or why
// the case means nothing in Go. There is nothing in it but a test, which fails if a
// test that the table names does not exist.
//
// A line has a case, as tinytest names it, the tests, with spaces between them, or
// "-", and a note, which a "-" must have. A test is the folder of its package, a dot
// and the name of a function: one that go test runs, or one of a conformance suite.
// A case that ends in "*" stands for all of a group.
//
// The map: regressmap_test.go has the check.
package regressmap
