package service

import (
	"archive/tar"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestImageIsBuilt builds the image with buildah, which needs no daemon and no network, and
// looks at what is in it. It skips where buildah or the Go command is missing, or where the
// user may not build images.
func TestImageIsBuilt(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: builds the program and an image")
	}
	for _, tool := range []string{"buildah", "go"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is needed: %v", tool, err)
		}
	}
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, name, args...)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := c.CombinedOutput()
		if err != nil && name == "buildah" && mayNotBuild(string(out)) {
			t.Skipf("images cannot be built here: %s", out)
		}
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "packaging", "lab", "Dockerfile"))
	if err == nil {
		err = errors.Join(os.Mkdir(filepath.Join(dir, "lab"), 0o755), os.WriteFile(filepath.Join(dir, "lab", "Dockerfile"), text, 0o644),
			os.WriteFile(filepath.Join(dir, "policy.json"), []byte(`{"default": [{"type": "insecureAcceptAnything"}]}`), 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
	run("go", "build", "-trimpath", "-o", filepath.Join(dir, "lab", "netclients"), "../../../cmd/netclients")
	store := []string{"--storage-driver", "vfs", "--root", filepath.Join(dir, "store"), "--runroot", filepath.Join(dir, "run")}
	policy := []string{"--signature-policy", filepath.Join(dir, "policy.json")}
	archive := filepath.Join(dir, "image.tar")
	run("buildah", slices.Concat(store, []string{"bud", "--isolation", "chroot", "--pull-never", "--format", "docker", "-t", "lab"}, policy, []string{filepath.Join(dir, "lab")})...)
	run("buildah", slices.Concat(store, []string{"push"}, policy, []string{"lab", "docker-archive:" + archive + ":lab:latest"})...)
	checkImage(t, archive, filepath.Join(dir, "from-image"))
	if got := run(filepath.Join(dir, "from-image"), "version"); !strings.Contains(got, "netclients") {
		t.Errorf("the program of the image prints %q", got)
	}
}

// mayNotBuild reports whether buildah failed because the user may not make namespaces.
func mayNotBuild(out string) bool {
	return slices.ContainsFunc([]string{"newuidmap", "user namespace", "operation not permitted", "CLONE_NEWUSER"}, func(s string) bool {
		return strings.Contains(strings.ToLower(out), strings.ToLower(s))
	})
}

// checkImage looks at an image of Docker's format, and stores its program.
func checkImage(t *testing.T, archive, program string) {
	t.Helper()
	var manifest []struct {
		Config string
		Layers []string
	}
	unpack(t, archive, "manifest.json", func(r io.Reader) { json.NewDecoder(r).Decode(&manifest) })
	if len(manifest) != 1 || len(manifest[0].Layers) != 1 {
		t.Fatalf("the image has no layer, or more than one: %+v", manifest)
	}
	var image struct {
		Config struct {
			User         string
			Entrypoint   []string
			ExposedPorts map[string]any
			Healthcheck  struct{ Test []string }
		}
	}
	unpack(t, archive, manifest[0].Config, func(r io.Reader) { json.NewDecoder(r).Decode(&image) })
	c := image.Config
	if c.User != "65534:65534" || len(c.Entrypoint) < 2 || c.Entrypoint[0] != "/netclients" || c.ExposedPorts["1025/tcp"] == nil || len(c.Healthcheck.Test) == 0 {
		t.Errorf("configuration %+v", c)
	}
	var files []string
	unpack(t, archive, manifest[0].Layers[0], func(r io.Reader) {
		for in := tar.NewReader(r); ; {
			h, err := in.Next()
			if err != nil {
				return
			}
			files = append(files, h.Name)
			if h.Name == "netclients" {
				save(t, program, in)
			}
		}
	})
	if !slices.Contains(files, "netclients") || len(files) > 2 { // the root may be named
		t.Fatalf("the image has %q", files)
	}
	bin, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer bin.Close()
	if libraries, _ := bin.ImportedLibraries(); len(libraries) > 0 {
		t.Errorf("the program needs %q, which the image does not have", libraries)
	}
}

func save(t *testing.T, name string, r io.Reader) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, r); err != nil {
		t.Fatal(err)
	}
}

// unpack calls use with a file of an archive.
func unpack(t *testing.T, archive, name string, use func(io.Reader)) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for in := tar.NewReader(f); ; {
		h, err := in.Next()
		if err != nil {
			t.Fatalf("%s in the image: %v", name, err)
		}
		if h.Name == name {
			use(in)
			return
		}
	}
}
