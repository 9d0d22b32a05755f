package wire

import (
	"strings"
	"testing"
)

// TestChunkDecoderLeavesData checks that Parse takes nothing that is data.
func TestChunkDecoderLeavesData(t *testing.T) {
	var d ChunkDecoder
	for _, step := range []struct {
		in   string
		n    int
		data int64
		took int64
		done bool
	}{
		{"", 0, 0, 0, false},
		{"5\r\nabcde\r\n", 3, 5, 0, false},
		{"abcde\r\n", 0, 5, 2, false},
		{"cde\r\n", 0, 3, 3, false},
		{"\r", 1, 0, 0, false},
		{"\n", 1, 0, 0, false},
		{"1", 1, 0, 0, false},
		{"0;x\r\n0123456789", 5, 16, 16, false},
		{"\r\n0\r\nX: y\r\n", 11, 0, 0, false},
		{"\r\nGET", 2, 0, 0, true},
		{"GET", 0, 0, 0, true},
	} {
		n, err := d.Parse([]byte(step.in), nil)
		if n != step.n || err != nil || d.Data() != step.data || d.Done() != step.done {
			t.Fatalf("%q: took %d, data %d, done %v, %v", step.in, n, d.Data(), d.Done(), err)
		}
		d.Took(step.took)
	}
	equal(t, "trailer", lines(&d.Trailer), "X: y\r\n")
	d.Reset()
	equal(t, "trailer after Reset", d.Trailer.Len(), 0)
	equal(t, "done after Reset", d.Done(), false)
}

func TestTakingDataThatIsNotThere(t *testing.T) {
	for _, n := range []int64{-1, 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("took %d", n)
				}
			}()
			new(ChunkDecoder).Took(n)
		}()
	}
}

// TestTinyChunks reads 100,000 chunks of one byte.
func TestTinyChunks(t *testing.T) {
	raw := "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
		strings.Repeat("1\r\nx\r\n", 100000) + "0\r\n\r\n"
	got := read(t, newRequestReader(), inPieces(1000)([]byte(raw)))
	equal(t, "outcome", got, `POST / HTTP/1.1 host="h" body=(100000 bytes)`)
}
