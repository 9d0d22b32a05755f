// Package list is a doubly linked list of objects that hold the links themselves, so
// that they go in and out, wherever they stand, in constant time and without
// allocating.
//
//	type job struct{ links list.Links[job] }
//
//	type jobLinks struct{}
//
//	func (jobLinks) Of(j *job) *list.Links[job] { return &j.links }
//
//	var jobs list.List[job, jobLinks]
//
// A list belongs to one goroutine at a time. An object is in one list at most.
//
// # Files
//
//	list.go    List and Links
package list
