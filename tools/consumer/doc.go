// Package consumer has no code. Its test is a program outside of the workspace
// that uses the modules as anybody would, to see that it builds and what it
// has to download.
package consumer
