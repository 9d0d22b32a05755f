package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

const root = "../.."

func TestFilesAreWhatTheirTemplatesMake(t *testing.T) {
	for _, out := range outputs {
		want, err := generate(root, out)
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(out.path)))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), want) {
			t.Errorf("%s is not what %s makes: change the template, and run go generate ./tools/shared", out.path, out.template)
		}
	}
}

func TestEveryTemplateIsUsed(t *testing.T) {
	templates, err := filepath.Glob(filepath.Join(root, "internal", "shared", "*"))
	if err != nil || len(templates) == 0 {
		t.Fatal("there are no templates", err)
	}
	for _, path := range templates {
		used := false
		for _, out := range outputs {
			used = used || out.template == filepath.Base(path)
		}
		if !used {
			t.Errorf("nothing is made from %s", path)
		}
	}
}

func TestGenerateReportsWhatATemplateLacks(t *testing.T) {
	if _, err := generate(root, output{template: "none.tmpl"}); err == nil {
		t.Error("a template that does not exist")
	}
	if _, err := generate(root, output{template: outputs[0].template, data: struct{}{}}); err == nil {
		t.Error("data without what the template asks for")
	}
}

func TestWriteMakesTheFile(t *testing.T) {
	dir := t.TempDir()
	templates := filepath.Join(dir, "internal", "shared")
	if err := os.MkdirAll(templates, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(templates, "x.tmpl"), []byte("package   {{.Package}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write(dir, output{"x.tmpl", "x_test.go", process{Package: "p"}}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "x_test.go")); string(got) != "package p\n" {
		t.Errorf("it is %q, %v", got, err)
	}
}
