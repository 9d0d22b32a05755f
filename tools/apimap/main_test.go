package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeTree makes a source tree with the given map on disk.
func writeTree(t *testing.T, rows string) string {
	t.Helper()
	root := t.TempDir()
	for name, file := range tree(rows) {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestExitStatus(t *testing.T) {
	good := writeTree(t, "# nothing is covered yet\n")
	bad := writeTree(t, "event_add\tevent.New\t\n")
	tests := []struct {
		name   string
		args   []string
		want   int
		stderr string
	}{
		{"complete map", []string{"-root", good}, exitOK, ""},
		{"incomplete map", []string{"-root", bad}, exitProblems, "event_set_mem_functions has no row"},
		{"no tables", []string{"-root", t.TempDir()}, exitProblems, "docs/libevent-api.tsv"},
		{"help", []string{"-h"}, exitOK, "usage: apimap"},
		{"unknown flag", []string{"-x"}, exitUsage, "usage: apimap"},
		{"argument", []string{"event.h"}, exitUsage, "usage: apimap"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if got := run(test.args, &stdout, &stderr); got != test.want {
				t.Errorf("exit status %d, want %d; stderr:\n%s", got, test.want, stderr.String())
			}
			if !strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("stderr %q, want %q in it", stderr.String(), test.stderr)
			}
		})
	}
}

func TestRootIsFoundByGoWork(t *testing.T) {
	root := writeTree(t, "# nothing is covered yet\n")
	t.Chdir(filepath.Join(root, "core", "event"))
	if got := run(nil, &bytes.Buffer{}, &bytes.Buffer{}); got != exitUsage {
		t.Errorf("exit status %d without a go.work, want %d", got, exitUsage)
	}
	if err := os.WriteFile(filepath.Join(root, "go.work"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := run(nil, &bytes.Buffer{}, &bytes.Buffer{}); got != exitOK {
		t.Errorf("exit status %d with a go.work, want %d", got, exitOK)
	}
}
