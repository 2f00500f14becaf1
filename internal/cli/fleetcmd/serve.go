package fleetcmd

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/fleet"
	"github.com/netclients/netclients/protocols"
)

// serve is fleet serve.
func (f *flags) serve(ctx context.Context, e *kit.Env, _ []string) error {
	o, err := f.options(ctx, e)
	if err != nil {
		return err
	}
	o.Broker.Listen, o.Broker.Retain = f.listen, true
	if f.nkeys != "" {
		if o.Broker.Accounts, err = readKeys(f.nkeys); err != nil {
			return err
		}
	}
	fl, err := fleet.Open(ctx, o)
	if err != nil {
		return err
	}
	defer fl.Close()
	if !fl.Alone() {
		return &protocols.Error{Op: "fleet", Kind: protocols.KindLocal, Text: "another process has the fleet in " + o.Broker.Dir}
	}
	t, err := fl.Track(ctx, nil)
	if err == nil {
		err = f.serveMetrics(ctx, fl, t)
	}
	if err != nil {
		return err
	}
	err = e.Out.Record(map[string]string{"fleet": f.name, "listen": fl.Reachable()}, func() string { return "fleet " + f.name + " listens at " + fl.Reachable() })
	if err == nil {
		err = e.Out.Flush()
	}
	if err != nil {
		return err
	}
	e.Out.Say("Ctrl-C ends it; jobs and their records stay in " + o.Broker.Dir)
	<-ctx.Done()
	return context.Cause(ctx)
}

// serveMetrics serves the figures of a fleet until ctx ends.
func (f *flags) serveMetrics(ctx context.Context, fl *fleet.Fleet, t *fleet.Tracker) error {
	if f.metrics == "" {
		return nil
	}
	l, err := net.Listen("tcp", f.metrics)
	if err != nil {
		return protocols.Wrap(fmt.Errorf("--metrics: %w", err), "", "fleet", "")
	}
	s := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" && r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		writeMetrics(w, fl.Name(), t.Counts())
	})}
	context.AfterFunc(ctx, func() { s.Close() })
	go func() { _ = s.Serve(l) }() // ends with Close
	return nil
}

// writeMetrics writes figures in the text format of Prometheus.
func writeMetrics(w io.Writer, name string, c fleet.Counts) {
	fmt.Fprintln(w, "# HELP netclients_fleet_jobs Jobs of the fleet by state.\n# TYPE netclients_fleet_jobs gauge")
	for _, s := range []struct {
		state fleet.State
		n     int
	}{{fleet.Waiting, c.Waiting}, {fleet.Running, c.Running}, {fleet.Done, c.Done}, {fleet.Failed, c.Failed}, {fleet.Cancelled, c.Cancelled}} {
		fmt.Fprintf(w, "netclients_fleet_jobs{fleet=%q,state=%q} %d\n", name, s.state, s.n)
	}
	fmt.Fprintf(w, "# HELP netclients_fleet_items Results of all jobs, of the newest attempt of each.\n# TYPE netclients_fleet_items gauge\nnetclients_fleet_items{fleet=%q} %d\n", name, c.Items)
	fmt.Fprintf(w, "# HELP netclients_fleet_bytes Bytes that all jobs have moved.\n# TYPE netclients_fleet_bytes gauge\nnetclients_fleet_bytes{fleet=%q} %d\n", name, c.Bytes)
}
