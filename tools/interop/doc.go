// Package interop has no code. Its folders test the modules of this repository,
// one topic each, against Go programs that no library may require: other
// implementations of the same protocols, and conformance suites. It is outside of
// the workspace above; a workspace of its own uses the modules by path.
package interop
