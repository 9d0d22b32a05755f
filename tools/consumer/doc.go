// Package consumer has no code. Its tests look at the modules as those do who use
// them: a program outside of the workspace builds, and downloads no more than it must,
// and modules that several of ours require are the same version in all.
package consumer
