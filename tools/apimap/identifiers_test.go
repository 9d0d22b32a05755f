package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestIdentifiersAreTheExportedOnes(t *testing.T) {
	got, err := readIdentifiers(fstest.MapFS{"core/event/event.go": {Data: []byte(source)}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"(*event.Event).Add",
		"(*event.Pool).Get",
		"event.Default",
		"event.Event",
		"event.Event.Data",
		"event.Event.FD",
		"event.Event.Logger",
		"event.Event.Pool",
		"event.Logger",
		"event.Logger.Log",
		"event.New",
		"event.Pool",
		"event.Read",
	}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("identifiers:\n%s\nwant:\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
	}
}

func TestIdentifiersComeFromPackagesThatCanBeImported(t *testing.T) {
	declares := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	got, err := readIdentifiers(fstest.MapFS{
		"core/event/event.go":          declares("package event\nfunc A() {}"),
		"core/event/event_windows.go":  declares("package event\nfunc B() {}"),
		"core/event/tagged.go":         declares("//go:build plan9\npackage event\nfunc C() {}"),
		"core/event/event_test.go":     declares("package event\nfunc D() {}"),
		"core/internal/poller/poll.go": declares("package poller\nfunc E() {}"),
		"core/event/testdata/x.go":     declares("package x\nfunc F() {}"),
		".git/x.go":                    declares("package x\nfunc G() {}"),
		"_old/x.go":                    declares("package x\nfunc H() {}"),
		"examples/echo/main.go":        declares("package main\nfunc I() {}"),
		"http/evhttp/server.go":        declares("package evhttp\nfunc J() {}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"event.A", "event.B", "event.C", "evhttp.J"}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("identifiers %v, want %v", names, want)
	}
}

func TestIdentifiersNeedSourcesThatParse(t *testing.T) {
	_, err := readIdentifiers(fstest.MapFS{"a/a.go": {Data: []byte("package a\nfunc {")}})
	if err == nil || !strings.Contains(err.Error(), "a/a.go:2") {
		t.Errorf("error %v, want one at a/a.go:2", err)
	}
}
