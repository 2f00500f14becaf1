//go:build linux

package main

// startup measures the cost of starting a program.
func startup() []workload {
	return []workload{{
		name:  "startup",
		about: "print the version and exit",
		times: 10,
		peers: []peer{
			{"netclients version", []string{program, "version"}},
			{"true", []string{"true"}},
			{"curl --version", []string{"curl", "--version"}},
			{"wget --version", []string{"wget", "--version"}},
			{"aria2c --version", []string{"aria2c", "--version"}},
			{"lftp -c exit", []string{"lftp", "-c", "exit"}},
			{"python, ftplib imported", []string{"python3", "-c", "import ftplib"}},
		},
	}}
}
