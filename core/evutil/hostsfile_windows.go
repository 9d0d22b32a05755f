package evutil

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

func hostsFile() string {
	dir, err := windows.GetSystemDirectory()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "drivers", "etc", "hosts")
}
