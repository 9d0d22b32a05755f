package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// longestHead is more bytes than any server needs for the head of a response.
const longestHead = 4 << 10

// responses follows what a connection receives: responses with bodies of one
// size. It looks at the status and the length in every head.
type responses struct {
	size int
	left int    // bytes of a body that are still to come
	head []byte // the part of a head that has come
}

// take takes what was received and returns how many responses that completed.
func (r *responses) take(p []byte) (int, error) {
	if r.left == 0 && len(r.head) > 0 {
		p = append(r.head, p...)
		r.head = nil
	}
	complete := 0
	for len(p) > 0 {
		if r.left == 0 {
			n, err := checkHead(p, r.size)
			if err != nil {
				return complete, err
			}
			if n == 0 {
				r.head = bytes.Clone(p)
				return complete, nil
			}
			r.left = r.size
			p = p[n:]
		}
		n := min(r.left, len(p))
		p = p[n:]
		complete += r.skip(n)
	}
	return complete, nil
}

// skip takes some bytes of a body, and returns 1 if they were its last.
func (r *responses) skip(n int) int {
	if n == 0 {
		return 0
	}
	if r.left -= n; r.left == 0 {
		return 1
	}
	return 0
}

// checkHead returns the length of the head that p begins with, or 0 if there is
// more to come.
func checkHead(p []byte, size int) (int, error) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		if len(p) > longestHead {
			return 0, errors.New("the head of a response does not end")
		}
		return 0, nil
	}
	head := p[:end+2]
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
		line, _, _ := bytes.Cut(head, []byte("\r\n"))
		return 0, fmt.Errorf("the status line is %q", line)
	}
	_, length, found := bytes.Cut(head, []byte("\r\nContent-Length: "))
	if !found {
		return 0, fmt.Errorf("the head %q has no Content-Length", head)
	}
	if !equalsNumber(length, size) {
		return 0, fmt.Errorf("the head %q does not have a Content-Length of %d", head, size)
	}
	return end + 4, nil
}

// equalsNumber tells whether a line is a number.
func equalsNumber(line []byte, number int) bool {
	n, i := 0, 0
	for ; i < len(line) && line[i] >= '0' && line[i] <= '9' && n <= number; i++ {
		n = 10*n + int(line[i]-'0')
	}
	return i > 0 && n == number && i < len(line) && line[i] == '\r'
}

// checkResponse looks at all of a response: the servers are to send the same
// header and the same body. closing says that the connection ends with it.
func checkResponse(text []byte, size int, closing bool) error {
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	if !bytes.Equal(body, letters(size)) {
		return fmt.Errorf("another body of %d bytes came", len(body))
	}
	if response.Close != closing {
		return fmt.Errorf("that the connection is closed is %v, want %v", response.Close, closing)
	}
	header := response.Header // without Connection
	want := []string{"Content-Length", "Content-Type", "Date"}
	if names := slices.Sorted(maps.Keys(header)); !slices.Equal(names, want) {
		return fmt.Errorf("the header has %q, want %q", names, want)
	}
	if kind := header.Get("Content-Type"); kind != "text/plain" {
		return fmt.Errorf("Content-Type: %s", kind)
	}
	_, err = time.Parse(http.TimeFormat, header.Get("Date"))
	return err
}

// letters returns the body of a size, which all servers know.
func letters(size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = 'a' + byte(i%26)
	}
	return p
}

// request returns a request for a body of a size.
func request(host string, size int, closing bool) []byte {
	text := "GET /" + strconv.Itoa(size) + " HTTP/1.1\r\nHost: " + host + "\r\n"
	if closing {
		text += "Connection: close\r\n"
	}
	return []byte(text + "\r\n")
}
