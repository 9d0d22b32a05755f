package consumer

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// shared are modules that several of ours require, and that a program which uses
// more than one of ours gets in one version: the tests are to run with that.
var shared = []string{"golang.org/x/net", "golang.org/x/sys", "golang.org/x/crypto", "golang.org/x/text", "github.com/miekg/dns"}

func TestModulesRequireOneVersion(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../*/go.mod", "../*/go.mod"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 5 {
		t.Fatalf("only %d modules found: %v", len(files), files)
	}
	for _, module := range shared {
		line := regexp.MustCompile(`(?m)^\s*(?:require )?` + regexp.QuoteMeta(module) + ` (v\S+)`)
		first, version := "", ""
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m := line.FindStringSubmatch(string(text))
			switch {
			case m == nil:
			case first == "":
				first, version = file, m[1]
			case m[1] != version:
				t.Errorf("%s: %s %s, but %s has %s", file, module, m[1], first, version)
			}
		}
		if first == "" {
			t.Errorf("no module requires %s: take it from the list", module)
		}
	}
}
