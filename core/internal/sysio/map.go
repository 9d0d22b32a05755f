package sysio

// A Mapping is a part of a file in memory. Data must not be written to; to
// read it once the file has become shorter is fatal to the process.
type Mapping struct {
	Data  []byte
	whole []byte // from and to the borders that the system wants
}

// Map maps n bytes, at least one, of a file from offset for reading.
func Map(fd int, offset int64, n int) (Mapping, error) {
	skip := int(offset % granularity())
	whole, err := retry(OpMap, fd, n, func(s System, _ int) ([]byte, error) {
		if s != nil {
			return s.Map(fd, offset-int64(skip), skip+n)
		}
		return mmap(fd, offset-int64(skip), skip+n)
	})
	if err != nil {
		return Mapping{}, err
	}
	return Mapping{Data: whole[skip:], whole: whole}, nil
}

// Unmap takes the memory back. Data must not be used again.
func (m Mapping) Unmap() error {
	_, err := retry(OpUnmap, InvalidSocket, len(m.Data), func(s System, _ int) (struct{}, error) {
		if s != nil {
			return struct{}{}, s.Unmap(m.whole)
		}
		return struct{}{}, munmap(m.whole)
	})
	return err
}
