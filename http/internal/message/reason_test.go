package message

import (
	"net/http"
	"testing"
)

func TestAllowedInTrailer(t *testing.T) {
	for name, want := range map[string]bool{
		"X": true, "Etag": true, "Date": true, "Server-Timing": true,
		"content-LENGTH": false, "Transfer-Encoding": false, "Host": false, "Trailer": false, "TE": false,
	} {
		equal(t, name, AllowedInTrailer(name), want)
	}
}

// TestReasonPhrases compares with the standard library, which has older names
// for some.
func TestReasonPhrases(t *testing.T) {
	newer := map[int]string{413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}
	for code := range 600 {
		want := newer[code]
		if want == "" {
			want = http.StatusText(code)
		}
		if want == "" {
			if got := ReasonPhrase(code); got == "" {
				t.Errorf("%d has no phrase", code)
			}
			continue
		}
		equal(t, http.StatusText(code), ReasonPhrase(code), want)
	}
	equal(t, "beyond", ReasonPhrase(1<<30), "Unknown")
	equal(t, "negative", ReasonPhrase(-1), "Unknown")
}
