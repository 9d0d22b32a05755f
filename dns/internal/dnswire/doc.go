// Package dnswire reads and writes DNS messages, for the resolver and the server.
//
// It stands on miekg/dns, which packs and unpacks records and whole messages, and
// does what that package has no function for or does with more memory: reading the
// header alone ([ReadHeader]), comparing the question of an answer with that of a
// query, skipping names and records without unpacking them, packing a query with
// letters in random case ([PackQuery]), and collecting what a message says about a
// name ([Reader]). Nothing here does I/O, or keeps a reference to a message after
// the call.
//
// Messages come from the network and may hold anything. No function panics or
// reads beyond the end of one; those that skip return false where it is malformed.
//
// # Files
//
//	errors.go    the errors of names and messages
//	header.go    the header, its bits, and whether a message answers a query
//	limits.go    lengths that the protocol sets
//	name.go      names: validity, reverse names, skipping
//	query.go     packing a query and an OPT record
//	reader.go    the addresses, names and TTL in an answer
//	record.go    skipping records, shortening an answer to its questions
package dnswire
