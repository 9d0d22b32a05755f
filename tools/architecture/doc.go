// Package architecture checks that the repository is built as docs/architecture.md
// says: which package may import which, that no package asks what stands behind a seam,
// that there is one way to log, that nothing which reaches the network is left to chance,
// that the map of each package is true, that no file holds what a merge has left, and
// that comments speak of the code.
//
// Its tests are the checks. The rules stand in tables: [Floors] has the order of the
// packages, [Seams] the interfaces that are all that is known of what implements them,
// [Words] the phrases that comments do without. A package is added to a
// floor above all that it imports; a capability of a transport is added to the list of
// interfaces in the file of its seam.
//
// # Files
//
//	load.go      the packages of the workspace, parsed and type-checked
//	floors.go    the order of the packages, and imports against it
//	seams.go     assertions to what stands behind an interface
//	determinism.go  clocks, random numbers, and orders that differ from run to run
//	logging.go   messages that do not go to event.Logger
//	maps.go      the map of files in each doc.go
//	links.go     links in documentation that lead nowhere
//	words.go     phrases that comments do without
//	tree.go      the files of the repository: conflict markers, names in a page
package architecture
