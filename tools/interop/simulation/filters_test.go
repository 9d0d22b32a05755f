package simulation_test

// A streamCodec is a pair of filters.
type streamCodec struct{}

func (c *streamCodec) checkFreed() {}

type streamLayer struct{}

func (l *streamLink) drawStack() {}

func (e *streamEnd) addLayers() bool { return true }
