//go:build unix

package poller

import (
	"math/bits"

	"golang.org/x/sys/unix"
)

// fdSets is the argument of select(2): a bitmap of descriptors to read from
// and one of descriptors to write to.
//
// A unix.FdSet is an array of words as the kernel takes them, good for
// FD_SETSIZE descriptors. A slice of them is a longer array of the same kind,
// and the kernel only looks at its first nfds bits. Both slices have the same
// length, which is never zero.
type fdSets struct {
	read, write []unix.FdSet
	nfds        int // the highest descriptor in a set, plus one
}

// A word of an FdSet has NFDBITS bits, and wordMask is all of them. Its type
// differs between systems, and so does its sign.
const wordMask = 1<<(unix.NFDBITS-1)<<1 - 1

const wordsPerSet = unix.FD_SETSIZE / unix.NFDBITS

// put makes in the interest in fd.
func (s *fdSets) put(fd int, in Interest) {
	for fd >= len(s.read)*unix.FD_SETSIZE {
		grown := max(1, len(s.read)) // doubles, from one
		s.read = append(s.read, make([]unix.FdSet, grown)...)
		s.write = append(s.write, make([]unix.FdSet, grown)...)
	}
	i, bit := fd/unix.FD_SETSIZE, fd%unix.FD_SETSIZE
	s.read[i].Clear(bit)
	s.write[i].Clear(bit)
	if in&Read != 0 {
		s.read[i].Set(bit)
	}
	if in&Write != 0 {
		s.write[i].Set(bit)
	}
	s.nfds = max(s.nfds, fd+1)
}

// copyFrom makes s equal to o.
func (s *fdSets) copyFrom(o *fdSets) {
	s.read = append(s.read[:0], o.read...)
	s.write = append(s.write[:0], o.write...)
	s.nfds = o.nfds
}

// next returns the lowest descriptor from fd on that is in a set, and its
// sets, or -1. It goes word by word.
func (s *fdSets) next(fd int) (int, Interest) {
	for fd < s.nfds {
		r, w := s.words(fd / unix.NFDBITS)
		rest := (r | w) >> (fd % unix.NFDBITS)
		if rest == 0 {
			fd += unix.NFDBITS - fd%unix.NFDBITS
			continue
		}
		fd += bits.TrailingZeros64(rest)
		var in Interest
		if r>>(fd%unix.NFDBITS)&1 != 0 {
			in |= Read
		}
		if w>>(fd%unix.NFDBITS)&1 != 0 {
			in |= Write
		}
		return fd, in
	}
	return -1, 0
}

// words returns the word at index i of either bitmap.
func (s *fdSets) words(i int) (read, write uint64) {
	set, word := i/wordsPerSet, i%wordsPerSet
	return uint64(s.read[set].Bits[word]) & wordMask, uint64(s.write[set].Bits[word]) & wordMask
}

// trim lowers nfds to what the sets need.
func (s *fdSets) trim() {
	for i := (s.nfds - 1) / unix.NFDBITS; i >= 0; i-- {
		if r, w := s.words(i); r|w != 0 {
			s.nfds = i*unix.NFDBITS + bits.Len64(r|w)
			return
		}
	}
	s.nfds = 0
}
