package fleet

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// worker is the name of this process in records.
func workerName() string {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	return fmt.Sprintf("%s/%d", name, os.Getpid())
}

// hereNow returns where this process can be looked for: the boot of the machine, its
// space of process numbers, its number and when it was started. It is empty where the
// system does not say.
func hereNow() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, serr := os.Readlink("/proc/self/ns/pid")
	start := startOf(os.Getpid())
	if err != nil || serr != nil || start == "" {
		return ""
	}
	return strings.Join([]string{strings.TrimSpace(string(boot)), space, strconv.Itoa(os.Getpid()), start}, " ")
}

// startOf returns when a process was started, in ticks since the boot; empty when there
// is none, or it is dead and only not waited for.
func startOf(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(b), ") ") // after the program's name
	fields := strings.Fields(rest)
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}

// gone reports whether the worker of a record was a process of this machine that is
// there no more: its job need not wait for the end of the lease.
func gone(r *Record) bool {
	here, there := strings.Fields(hereNow()), strings.Fields(r.Place)
	if len(here) != 4 || len(there) != 4 || here[0] != there[0] || here[1] != there[1] {
		return false
	}
	pid, err := strconv.Atoi(there[2])
	return err == nil && startOf(pid) != there[3]
}
