// Package simulation tests the whole stack in worlds of evtest: servers, clients,
// resolvers and proxies on hosts of a simulated network, on which everything that can
// go wrong follows from a seed. Its scenarios are tests, one for each topic:
//
//	cd tools/interop
//	go test ./simulation                             # a few seeds of each
//	go test ./simulation -run TestHTTP -seeds 2000   # many of one
//	go test ./simulation -run TestHTTP -seed 17      # one again, that has failed
//	go test ./simulation -run '^$' -bench World      # how fast worlds are
//
// # Faults that are put back
//
// Whether the scenarios find what they are for is tried with faults that the library
// once had: testdata/faults has a patch of a few lines for each that puts it back, and
// faults_test.go a table that says what goes wrong and which test of the repository
// fails with it. The sections of the table are those in which the faults were listed
// when they were found by hostile trials:
//
//	A  TLS and HTTP together    B  HTTP    C  DNS    D  the loop    E  buffers and streams
//
// No scenario is written for one of them. Each commit checks that the patches apply to
// the code as it is:
//
//	go test ./simulation -run TestFaultsApply
//
// The rest takes hours, and is asked for by a flag. The first command builds the tests
// that the table names with each fault, which have to fail; the second one builds the
// scenarios with each fault, and tells which of them finds it, and with which seed:
//
//	go test ./simulation -run TestFaultsBreakTheirTests -faults -timeout 0
//	go test ./simulation -run TestFaultsAreFound -faults -timeout 0 [-fault REGEXP] [-seeds 2000]
//
// A patch that does not apply any more is written anew, so that it puts the mechanism of
// its fault into the code of today; a fault that no code of today could have goes.
//
// # Files
//
//	doc.go    this manual; the rest are tests
package simulation
