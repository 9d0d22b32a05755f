package message

import (
	"strings"
	"testing"
)

// FuzzFields edits fields next to a plain list of them.
func FuzzFields(f *testing.F) {
	f.Add([]byte("a0b1c2d3a4"))
	f.Add([]byte("\x00\x01\x02\x03\x10\x11\x12\x13\x20\x21\x22\x23"))
	f.Fuzz(func(t *testing.T, script []byte) {
		fieldNames := []string{"X", "x", "Host", "HOST", "Content-Length", "Y"}
		type pair struct{ name, value string }
		var fields Fields
		var model []pair
		for i := 0; i+1 < len(script); i += 2 {
			name := fieldNames[int(script[i]/4)%len(fieldNames)]
			value := strings.Repeat("v", int(script[i+1]))
			switch script[i] % 4 {
			case 0:
				fields.Add(name, value)
				model = append(model, pair{name, value})
			case 1, 2:
				fields.Set(name, value)
				var kept []pair
				found := false
				for _, p := range model {
					switch {
					case !strings.EqualFold(p.name, name):
						kept = append(kept, p)
					case !found:
						found = true
						kept = append(kept, pair{p.name, value})
					}
				}
				if !found {
					kept = append(kept, pair{name, value})
				}
				model = kept
			case 3:
				fields.Remove(name)
				var kept []pair
				for _, p := range model {
					if !strings.EqualFold(p.name, name) {
						kept = append(kept, p)
					}
				}
				model = kept
			}
			var want strings.Builder
			seen := map[string]bool{}
			for _, p := range model {
				want.WriteString(p.name + ": " + p.value + "\r\n")
				seen[strings.ToLower(p.name)] = true
			}
			if got := lines(&fields); got != want.String() {
				t.Fatalf("got %q, want %q", got, want.String())
			}
			for _, name := range fieldNames {
				if fields.Has(name) != seen[strings.ToLower(name)] {
					t.Fatalf("has %s: %v", name, fields.Has(name))
				}
			}
		}
	})
}
