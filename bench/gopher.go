//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// gopher measures a long menu and a large file, on Gophernicus behind socat. Most of the short times are the server's,
// which starts a process for each request.
func gopher() []workload { return []workload{gopherMenu(), gopherGet()} }

const (
	gopherURL     = "gopher://{GOPHER}/"
	gopherEntries = 5000
	gopherSize    = 64 << 20
)

// menuData creates a folder with a gophermap of 5,000 entries, bench/menu.
func menuData(l *lab) error {
	return dataSet(l, "menu", func(dir string) error {
		f, err := os.Create(filepath.Join(dir, "gophermap"))
		if err != nil {
			return err
		}
		for i := range gopherEntries {
			if _, err := fmt.Fprintf(f, "0entry-%05d of a long menu, with a text of some length\t/hello-%05d.txt\n", i, i); err != nil {
				f.Close()
				return err
			}
		}
		return f.Close()
	})
}

func gopherMenu() workload {
	return workload{
		name:  "gopher-menu",
		about: "a menu of 5,000 entries from Gophernicus; curl does not parse its output",
		times: 5,
		setup: menuData,
		check: lines(gopherEntries, "entry-"),
		peers: []peer{
			{"netclients ls", []string{program, "ls", gopherURL + "1/bench/menu"}},
			{"netclients ls --json", []string{program, "ls", "--json", gopherURL + "1/bench/menu"}},
			{"curl, raw", []string{"curl", "-sS", gopherURL + "1/bench/menu"}},
			{"lynx -dump", []string{"lynx", "-dump", "-nolist", gopherURL + "1/bench/menu"}},
			{"python socket", python("gopher_menu.py", "{GOPHER_PORT}", "/bench/menu")},
		},
	}
}

func gopherGet() workload {
	const name = "bench/gopher/file.bin"
	return workload{
		name:  "gopher-get",
		about: "a file of 64 MiB from Gophernicus to a RAM disk",
		times: 3,
		setup: func(l *lab) error {
			return dataSet(l, "gopher", func(dir string) error {
				return writeFile(filepath.Join(dir, "file.bin"), io.LimitReader(fixed("gopher"), gopherSize))
			})
		},
		check: sameFile("{ROOT}/"+name, "{OUT}/file.bin"),
		peers: []peer{
			{"netclients", []string{program, "get", gopherURL + "9/" + name, "-o", "{OUT}/file.bin"}},
			{"curl", []string{"curl", "-sS", "-o", "{OUT}/file.bin", gopherURL + "9/" + name}},
			{"lynx", []string{"sh", "-c", "lynx -source " + gopherURL + "9/" + name + " > {OUT}/file.bin"}},
		},
	}
}
