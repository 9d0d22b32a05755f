package checkout

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository is the root of this one, seen from here.
const repository = "../../../.."

func TestCommandIsBuiltWithTheLibraryOfACheckout(t *testing.T) {
	c, err := Open(t.Context(), repository)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "program")
	own, err := c.Build(t.Context(), "internal/fixed/evfixed", program)
	if err != nil {
		t.Fatal(err)
	}
	if own {
		t.Error("the checkout's own command was built, though this one's can be")
	}
	text, err := exec.Command("go", "version", "-m", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "=>\t" + filepath.Join(c.Dir, "core")
	if !strings.Contains(string(text), want) {
		t.Errorf("built from\n%s\nwant %q", text, want)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.Dir); err != nil {
		t.Errorf("Close removed a folder that Open had not made: %v", err)
	}
}

func TestCheckoutsOwnCommandIsBuiltWhereTheLibraryHasOtherNames(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"core/go.mod":                "module " + library + "core\n\ngo 1.26.0\n",
		"tools/bench/go.mod":         "module " + self + "\n\ngo 1.26.0\n\nrequire " + library + "core v0.1.0\n\nreplace " + library + "core => ../../core\n",
		"core/renamed/renamed.go":    "package renamed\n\nconst Name = \"other\"\n",
		"tools/bench/evbench/own.go": "package main\n\nimport \"" + library + "core/renamed\"\n\nfunc main() { println(renamed.Name) }\n",
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "program")
	own, err := c.Build(t.Context(), "evbench", program)
	if err != nil {
		t.Fatal(err)
	}
	if !own {
		t.Error("this module's command was built with a library that lacks what it needs")
	}
	if _, err := c.Build(t.Context(), "internal/fixed/evfixed", program); err == nil {
		t.Error("a command was built that neither can build")
	}
}

func TestFoldersAndRevisionsThatAreNoneAreErrors(t *testing.T) {
	for _, name := range []string{t.TempDir(), "no-such-revision"} {
		if c, err := Open(t.Context(), name); err == nil {
			t.Errorf("%s is checkout %+v", name, c)
		}
	}
}

func TestRevisionIsCheckedOutAndRemoved(t *testing.T) {
	if err := exec.Command("git", "rev-parse", "HEAD").Run(); err != nil {
		t.Skip("not in a repository of git")
	}
	c, err := Open(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(c.Dir, "core", "go.mod")); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.Dir); !os.IsNotExist(err) {
		t.Errorf("the checkout is still there: %v", err)
	}
}
