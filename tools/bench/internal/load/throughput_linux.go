package load

import (
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// Throughput measures one stream of a number of bytes that the server echoes.
func Throughput(command []string, bytes int) ([]measure.Figure, error) {
	return with(command, throughput(bytes))
}

// TLSThroughput is Throughput over TLS.
func TLSThroughput(command []string, bytes int) ([]measure.Figure, error) {
	return withTLS(command, throughput(bytes))
}

func throughput(bytes int) work {
	return func(s *server) ([]measure.Figure, error) {
		f, err := newFlows(s, 1, bytes)
		if err != nil {
			return nil, err
		}
		defer f.pool.close()
		m, err := newMeter(s)
		if err != nil {
			return nil, err
		}
		forever := time.Now().Add(time.Hour)
		for f.flows[0].got < bytes {
			if err := f.step(forever); err != nil {
				return nil, err
			}
		}
		used, err := m.stop()
		gigabytes := float64(bytes) / 1e9
		return append([]measure.Figure{
			{Name: "rate", Value: gigabytes / used.elapsed.Seconds()},
			{Name: "server CPU", Value: microseconds(used.server) / 1000 / gigabytes},
		}, used.figures()...), err
	}
}
