package simnet

import (
	"iter"
	"slices"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// FirstFD is the least descriptor of a network: more than a kernel hands out unless
// its limits were raised.
const FirstFD = 1 << 20

// blockSize is how many neighbouring descriptors belong to one host. A host has the
// lowest numbers that are free in its blocks, as processes have, so that the number of
// something closed comes back at once.
const blockSize = 64

// table has the descriptors of all hosts.
type table struct {
	handles []*handle // by number, less FirstFD
}

// A handle is a descriptor.
type handle struct {
	fd       int
	file     *file
	watchers []*watch // of pollers that watch this descriptor
}

// A file is what one or several descriptors stand for.
type file struct {
	host    *Host
	object  object
	handles []*handle
}

// An object is a kind of file. Its methods are called with the network's lock held.
type object interface {
	// opened is called when the first descriptor was made.
	opened(f *file)
	// ready returns the conditions that hold.
	ready() poller.Interest
	// close is called when the last descriptor was closed.
	close()
	// describe is for people.
	describe() string
}

// all visits the handles in the order of their numbers.
func (t *table) all() iter.Seq2[int, *handle] {
	return func(yield func(int, *handle) bool) {
		for i, h := range t.handles {
			if h != nil && !yield(i, h) {
				return
			}
		}
	}
}

// handle returns that of a descriptor. The error says what is wrong with it: a
// descriptor of the kernel has no business in a simulated network.
func (n *Network) handle(fd int) (*handle, error) {
	if fd >= 0 && fd < FirstFD {
		return nil, errForeign(fd)
	}
	i := fd - FirstFD
	if i < 0 || i >= len(n.table.handles) || n.table.handles[i] == nil {
		return nil, sysio.ErrBadDescriptor
	}
	return n.table.handles[i], nil
}

// object returns what a descriptor stands for.
func (n *Network) object(fd int) (object, error) {
	h, err := n.handle(fd)
	if err != nil {
		return nil, err
	}
	return h.file.object, nil
}

// open makes the first descriptor of an object for the host. There is room: see
// mayOpen.
func (n *Network) open(host *Host, o object) int {
	f := &file{host: host, object: o}
	o.opened(f)
	return n.addHandle(f)
}

func (n *Network) addHandle(f *file) int {
	host := f.host
	for n.table.handles[host.slot(host.lowest)] != nil {
		host.lowest++
		if host.lowest == len(host.blocks)*blockSize {
			n.addBlock(host)
		}
	}
	return n.putHandle(host.slot(host.lowest), &handle{file: f})
}

// addBlock gives a host more numbers.
func (n *Network) addBlock(host *Host) {
	host.blocks = append(host.blocks, len(n.table.handles))
	n.table.handles = append(n.table.handles, make([]*handle, blockSize)...)
}

// slot returns where in the table the host's n-th descriptor is.
func (h *Host) slot(n int) int { return h.blocks[n/blockSize] + n%blockSize }

// number undoes slot.
func (h *Host) number(index int) int {
	for i, start := range h.blocks {
		if start <= index && index < start+blockSize {
			return i*blockSize + index - start
		}
	}
	return -1
}

func (n *Network) putHandle(i int, h *handle) int {
	n.table.handles[i] = h
	h.fd = FirstFD + i
	h.file.handles = append(h.file.handles, h)
	h.file.host.open++
	return h.fd
}

// mayOpen returns the error of a host that has as many descriptors as it may.
func (n *Network) mayOpen(host *Host, count int) error {
	switch {
	case host == nil:
		return errNoHost
	case host.limit > 0 && host.open+count > host.limit, n.chance(n.faults.NoDescriptors):
		return sysio.ErrTooManyFiles
	}
	return nil
}

// closeHandle closes a descriptor, and its file with the last one.
func (n *Network) closeHandle(h *handle) {
	f := h.file
	n.table.handles[h.fd-FirstFD] = nil
	f.host.open--
	f.host.lowest = min(f.host.lowest, f.host.number(h.fd-FirstFD))
	if i := slices.Index(f.handles, h); i >= 0 {
		f.handles = slices.Delete(f.handles, i, i+1)
	}
	if len(f.handles) > 0 {
		// A poller watches files: that of another descriptor of the file stays.
		f.handles[0].watchers = append(f.handles[0].watchers, h.watchers...)
		return
	}
	for _, w := range h.watchers {
		w.poller.forget(w)
	}
	h.watchers = nil
	f.object.close()
}

// changed tells the pollers that watch a file that the conditions have come to hold,
// or hold anew. An object that no descriptor stands for yet has no file.
func (f *file) changed(what poller.Interest) {
	if f == nil {
		return
	}
	for _, h := range f.handles {
		for _, w := range h.watchers {
			w.poller.notice(w, what)
		}
	}
}
