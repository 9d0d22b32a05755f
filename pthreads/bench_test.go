package pthreads

import (
	"sync"
	"testing"

	"github.com/go-libevent/libevent/core/evthread"
)

func eachKindOfBenchmark(b *testing.B, bench func(b *testing.B, l evthread.Lock)) {
	b.Run("normal", func(b *testing.B) {
		b.ReportAllocs()
		bench(b, &mutex{gate: newSemaphore(), recursive: true})
	})
	b.Run("priority inheritance", func(b *testing.B) {
		cbs, err := inheritingLocks()
		if err != nil {
			b.Skip(err)
		}
		l, err := cbs.Alloc(evthread.Recursive)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		bench(b, l)
	})
}

// A Lock and the Unlock of a free lock.
func BenchmarkUncontended(b *testing.B) {
	eachKindOfBenchmark(b, func(b *testing.B, l evthread.Lock) {
		for b.Loop() {
			l.Lock(0)
			l.Unlock(0)
		}
	})
}

// A Lock and the Unlock of a lock that the goroutine holds.
func BenchmarkRecursive(b *testing.B) {
	eachKindOfBenchmark(b, func(b *testing.B, l evthread.Lock) {
		l.Lock(0)
		defer l.Unlock(0)
		for b.Loop() {
			l.Lock(0)
			l.Unlock(0)
		}
	})
}

// A lock that all processors want.
func BenchmarkContended(b *testing.B) {
	eachKindOfBenchmark(b, func(b *testing.B, l evthread.Lock) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				l.Lock(0)
				l.Unlock(0)
			}
		})
	})
}

// What it is all built on.
func BenchmarkSyncMutex(b *testing.B) {
	var mu sync.Mutex
	for b.Loop() {
		mu.Lock()
		mu.Unlock()
	}
}

func BenchmarkReadWrite(b *testing.B) {
	for name, mode := range map[string]evthread.Mode{"read": evthread.ModeRead, "write": evthread.ModeWrite} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			l := new(rwLock)
			for b.Loop() {
				l.Lock(mode)
				l.Unlock(mode)
			}
		})
	}
}

func BenchmarkThreadID(b *testing.B) {
	for b.Loop() {
		threadID()
	}
}
