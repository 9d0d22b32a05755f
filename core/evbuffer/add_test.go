package evbuffer_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

func TestAddAppends(t *testing.T) {
	var b evbuffer.Buffer
	ok(t, b.Add([]byte("one ")))
	ok(t, b.AddString("two "))
	n, err := b.AddIOVec([][]byte{[]byte("th"), nil, []byte("ree ")})
	ok(t, err)
	want(t, "bytes of AddIOVec", n, 6)
	n, err = b.Printf("%s %d", "four", 5)
	ok(t, err)
	want(t, "bytes of Printf", n, 6)
	wantContent(t, &b, "one two three four 5")
}

func TestAddCopies(t *testing.T) {
	p := []byte("hello")
	var b evbuffer.Buffer
	ok(t, b.Add(p))
	copy(p, "jolly")
	wantContent(t, &b, "hello")
}

func TestSmallAddsShareAChunk(t *testing.T) {
	var b evbuffer.Buffer
	for range 100 {
		ok(t, b.AddString("tick "))
	}
	wantContent(t, &b, strings.Repeat("tick ", 100))
	want(t, "chunks", chunks(t, &b), 1)
}

func TestManyAddsMakeFewChunks(t *testing.T) {
	var b evbuffer.Buffer
	for range 10000 {
		ok(t, b.Add(make([]byte, 100)))
	}
	// A megabyte: from 512 bytes up to 64 KB each.
	if n := chunks(t, &b); n > 30 {
		t.Errorf("%d chunks", n)
	}
	mustCheck(t, &b)
}

func TestMemoryIsAtMostTwiceTheDataAndASmallChunk(t *testing.T) {
	var b evbuffer.Buffer
	for range 3000 {
		ok(t, b.Add(make([]byte, 50)))
		if size := memory(&b); size > 2*b.Len()+evbuffer.MinClassSize {
			t.Fatalf("%d bytes of memory for %d of data", size, b.Len())
		}
	}
}

func TestLargeAddsFillTheLargestChunks(t *testing.T) {
	var b evbuffer.Buffer
	data := strings.Repeat("0123456789", 20000)
	ok(t, b.AddString("x"))
	ok(t, b.AddString(data))
	wantContent(t, &b, "x"+data)
	want(t, "chunks", chunks(t, &b), 5) // 512 bytes, and 64 KB each
}

func TestSpareMemoryTakesAllItCan(t *testing.T) {
	var b evbuffer.Buffer
	data := strings.Repeat("0123456789", 20000)
	ok(t, b.Expand(len(data)))
	ok(t, b.AddString(data))
	wantContent(t, &b, data)
	want(t, "chunks", chunks(t, &b), 1)
}

func TestAStreamStaysInItsChunk(t *testing.T) {
	b := bufferOf(t, strings.Repeat("-", 100))
	home := evbuffer.Chunks(b)[0].Identity
	for range 1000 {
		ok(t, b.Drain(50))
		ok(t, b.AddString(strings.Repeat("-", 50)))
		mustCheck(t, b)
	}
	if now := evbuffer.Chunks(b); len(now) != 1 || now[0].Identity != home {
		t.Error("a new chunk was needed")
	}
}

func TestAStreamOfVectorsStaysInItsChunk(t *testing.T) {
	b := bufferOf(t, strings.Repeat("-", 100))
	home := evbuffer.Chunks(b)[0].Identity
	for range 1000 {
		ok(t, b.Drain(50))
		_, err := b.AddIOVec([][]byte{make([]byte, 20), make([]byte, 30)})
		ok(t, err)
		mustCheck(t, b)
	}
	if now := evbuffer.Chunks(b); len(now) != 1 || now[0].Identity != home {
		t.Error("a new chunk was needed")
	}
}

func TestAddToAReferenceLeavesItAlone(t *testing.T) {
	memory := []byte("reference......")
	var b evbuffer.Buffer
	ok(t, b.AddReferenceWithOffset(memory, 0, 9, nil))
	ok(t, b.AddString(" and more"))
	ok(t, b.Prepend([]byte("a ")))
	wantContent(t, &b, "a reference and more")
	want(t, "memory", string(memory), "reference......")
}

func TestPrependPutsBefore(t *testing.T) {
	b := bufferOf(t, "end")
	for _, s := range []string{"4", "3 ", strings.Repeat("2", 1000), "1 "} {
		ok(t, b.Prepend([]byte(s)))
	}
	wantContent(t, b, "1 "+strings.Repeat("2", 1000)+"3 4end")
}

func TestPrependUsesTheRoomBeforeTheData(t *testing.T) {
	b := bufferOf(t, "0123456789")
	ok(t, b.Drain(4))
	ok(t, b.Prepend([]byte("abc")))
	wantContent(t, b, "abc456789")
	want(t, "chunks", chunks(t, b), 1)
	ok(t, b.Prepend([]byte("xyz")))
	wantContent(t, b, "xyzabc456789")
	ok(t, b.Prepend([]byte("!")))
	wantContent(t, b, "!xyzabc456789")
	want(t, "chunks", chunks(t, b), 2)
}

func TestPrependToAnEmptyBuffer(t *testing.T) {
	var b evbuffer.Buffer
	ok(t, b.Expand(100))
	ok(t, b.Prepend([]byte("first")))
	ok(t, b.AddString(" second"))
	wantContent(t, &b, "first second")
}

func TestAddIOVecLiesInOnePieceBehindWhatIsThere(t *testing.T) {
	b := bufferOf(t, strings.Repeat("x", 500))
	vecs := make([][]byte, 50)
	for i := range vecs {
		vecs[i] = bytes.Repeat([]byte{byte('a' + i%26)}, 100)
	}
	_, err := b.AddIOVec(vecs)
	ok(t, err)
	wantContent(t, b, strings.Repeat("x", 500)+string(bytes.Join(vecs, nil)))
	want(t, "chunks", chunks(t, b), 2)
	if _, ok := evbuffer.Spare(b); ok {
		t.Error("a spare chunk remains")
	}
}
