package loop

// rng is a sequence of pseudo-random numbers, the same on both sides
// (splitmix64). Its value is the seed.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// shuffle makes order a random order of the indices below its length.
func (r *rng) shuffle(order []int32) {
	for i := range order {
		order[i] = int32(i)
	}
	for i := len(order) - 1; i > 0; i-- {
		j := r.next() % uint64(i+1)
		order[i], order[j] = order[j], order[i]
	}
}
