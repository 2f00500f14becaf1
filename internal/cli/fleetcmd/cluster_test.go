package fleetcmd_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/netclients/netclients/protocols/lab"
)

// asNode makes the test binary a NATS server: NAME CLIENTPORT CLUSTERPORT ROUTES DIR.
const asNode = "NETCLIENTS_TEST_AS_NODE"

// beNode is a server until it is killed. A cluster port of 0 is a server alone.
func beNode(words []string) {
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			panic(err)
		}
		return n
	}
	o := &server.Options{
		ServerName: words[0], Host: "127.0.0.1", Port: number(words[1]), JetStream: true, StoreDir: words[4], NoSigs: true, NoLog: true, SyncInterval: time.Second,
	}
	if port := number(words[2]); port != 0 {
		o.Cluster = server.ClusterOpts{Name: "fleet", Host: "127.0.0.1", Port: port}
		for r := range strings.SplitSeq(words[3], ",") {
			u, err := url.Parse(r)
			if err != nil {
				panic(err)
			}
			o.Routes = append(o.Routes, u)
		}
	}
	s, err := server.NewServer(o)
	if err != nil {
		panic(err)
	}
	s.Start()
	select {}
}

// node is a NATS server of its own process.
type node struct {
	t     *testing.T
	words []string
	cmd   *exec.Cmd
}

func (n *node) start() {
	n.t.Helper()
	n.cmd = exec.Command(os.Args[0])
	n.cmd.Env = append(os.Environ(), asNode+"="+strings.Join(n.words, " "))
	n.cmd.Stderr = os.Stderr
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(n.kill)
}

func (n *node) kill() {
	if n.cmd.ProcessState == nil {
		_ = n.cmd.Process.Kill()
		_ = n.cmd.Wait()
	}
}

func (n *node) url() string { return "nats://127.0.0.1:" + n.words[1] }

// cluster starts so many servers that know each other, and waits until JetStream works.
func cluster(t *testing.T, size int) (nodes []*node, urls string) {
	t.Helper()
	ports := freePorts(t, 2*size)
	var routes, list []string
	for i := range size {
		routes = append(routes, "nats://127.0.0.1:"+ports[size+i])
	}
	for i := range size {
		clusterPort := ports[size+i]
		if size == 1 {
			clusterPort = "0"
		}
		n := &node{t: t, words: []string{"n" + strconv.Itoa(i), ports[i], clusterPort, strings.Join(routes, ","), t.TempDir()}}
		n.start()
		nodes, list = append(nodes, n), append(list, n.url())
	}
	urls = strings.Join(list, ",")
	await(t, "JetStream", func() bool {
		nc, err := nats.Connect(urls, nats.Timeout(time.Second))
		if err != nil {
			return false
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			return false
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err = js.AccountInfo(ctx)
		return err == nil && len(nc.Servers()) >= size
	})
	return nodes, urls
}

// TestClusterNodeKilled: 500 accounts move over a cluster of three brokers of which one is
// killed, with two machines' worth of workers of which one is killed and started again.
func TestClusterNodeKilled(t *testing.T) {
	const accounts, messages = 500, 4
	m := newMigration(t, accounts, messages, lab.Faults{})
	nodes, urls := cluster(t, 3)
	common := []string{"--nats", urls, "--workers", "6", "--per-host", "12"}
	main := program(t, m.dir, append([]string{"fleet", "run", m.jobs, "--lease", "6s"}, common...)...).start(t)
	await(t, "the first messages", func() bool { return m.stored() > 0 })
	helper := program(t, filepath.Join(m.dir, "helper"), append([]string{"fleet", "work"}, common...)...).start(t)
	await(t, "a third", func() bool { return m.stored() > accounts*messages/3 })
	nodes[rand.IntN(3)].kill()
	await(t, "half", func() bool { return m.stored() > accounts*messages/2 })
	helper.Process.Kill()
	helper.Wait()
	program(t, filepath.Join(m.dir, "helper"), append([]string{"fleet", "work"}, common...)...).start(t)
	if got := main.code(t); got != 0 {
		t.Fatalf("exit code %d\n%s\n%.4000s", got, main.out.String(), main.err.String())
	}
	m.same()
	records(t, m, accounts, "--nats", urls)
	if t.Failed() {
		t.Logf("%.4000s\n%.4000s\n%.4000s", main.out.String(), main.err.String(), helper.err.String())
	}
}

// TestBrokerRestarted: the broker is killed and started again while jobs run.
func TestBrokerRestarted(t *testing.T) {
	const accounts, messages = 60, 20
	m := newMigration(t, accounts, messages, lab.Faults{})
	nodes, urls := cluster(t, 1)
	main := program(t, m.dir, "fleet", "run", m.jobs, "--lease", "10s", "--nats", urls, "--workers", "4").start(t)
	for _, part := range []int{1, 2} {
		await(t, "the next part", func() bool { return m.stored() > part*accounts*messages/4 })
		nodes[0].kill()
		time.Sleep(300 * time.Millisecond)
		nodes[0].start()
	}
	if got := main.code(t); got != 0 {
		t.Fatalf("exit code %d\n%s\n%.4000s", got, main.out.String(), main.err.String())
	}
	m.same()
	records(t, m, accounts, "--nats", urls)
}

// TestWorkersKilled: workers are killed at random times and started again.
func TestWorkersKilled(t *testing.T) {
	const accounts, messages = 80, 20
	m := newMigration(t, accounts, messages, lab.Faults{})
	_, urls := cluster(t, 1)
	run(t, m.dir, 0, "fleet", "submit", m.jobs, "--nats", urls, "--lease", "3s")
	worker := func(i int) *process {
		return program(t, filepath.Join(m.dir, fmt.Sprint("worker", i)), "fleet", "work", "--drain", "--nats", urls, "--workers", "3", "--per-host", "16", "--backoff", "100ms").start(t)
	}
	workers := []*process{worker(0), worker(1), worker(2)}
	for i := range 9 {
		time.Sleep(time.Duration(50+rand.IntN(400)) * time.Millisecond)
		workers[i%3].Process.Kill()
		workers[i%3].Wait()
		workers[i%3] = worker(i % 3)
	}
	for _, w := range workers {
		if got := w.code(t); got != 0 {
			t.Errorf("exit code %d\n%s\n%s", got, w.out.String(), w.err.String())
		}
	}
	m.same()
	records(t, m, accounts, "--nats", urls)
}
