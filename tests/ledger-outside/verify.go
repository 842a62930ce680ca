// verify checks an exported log with golang.org/x/mod/sumdb and nothing of ours.
//
//	verify DIR INDEX,INDEX,... [OLDDIR]
//	verify DIR submission [OLDDIR]
//
// DIR holds checkpoint, verifier-key and tile/...; every named entry is read from its bundle, hashed
// and proved; with OLDDIR the tree there must be a beginning of the tree in DIR. The second form prints
// what a log hands to a witness that has seen the tree in OLDDIR, or nothing yet.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(format string, args ...interface{}) {
	fmt.Printf("does not hold: "+format+"\n", args...)
	os.Exit(1)
}

func read(dir, path string) []byte {
	data, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		fail("%v", err)
	}
	return data
}

// openCheckpoint verifies the signature and returns the tree.
func openCheckpoint(dir string) tlog.Tree {
	key := strings.TrimSpace(string(read(dir, "verifier-key")))
	verifier, err := note.NewVerifier(key)
	if err != nil {
		fail("verifier key: %v", err)
	}
	n, err := note.Open(read(dir, "checkpoint"), note.VerifierList(verifier))
	if err != nil {
		fail("checkpoint: %v", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		fail("checkpoint: not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		fail("checkpoint size: %v", err)
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		fail("checkpoint root: %v", err)
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree
}

// tiles reads the exported files; the library's own path is tile/8/L/N, ours leaves the height out.
type tiles struct{ dir string }

func (t tiles) Height() int { return 8 }
func (t tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range list {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(t.dir, path))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// entry reads one entry from its bundle.
func entry(dir string, index, size int64) []byte {
	n, width := index/256, size-index/256*256
	tile := tlog.Tile{H: 8, L: 0, N: n, W: 256}
	if width < 256 {
		tile.W = int(width)
	}
	bundle := read(dir, strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1))
	for i := int64(0); ; i++ {
		if len(bundle) < 2 {
			fail("entry %d: the bundle ends too early", index)
		}
		length := int(binary.BigEndian.Uint16(bundle))
		if len(bundle) < 2+length {
			fail("entry %d: the bundle is cut short", index)
		}
		if i == index%256 {
			return bundle[2 : 2+length]
		}
		bundle = bundle[2+length:]
	}
}

func submission(dir string, tree tlog.Tree, reader tlog.HashReader, olddirs []string) {
	old := tlog.Tree{}
	var proof tlog.TreeProof
	if len(olddirs) > 0 {
		var err error
		old = openCheckpoint(olddirs[0])
		if proof, err = tlog.ProveTree(tree.N, old.N, reader); err != nil {
			fail("consistency from %d: %v", old.N, err)
		}
	}
	fmt.Printf("old %d\n", old.N)
	for _, hash := range proof {
		fmt.Println(base64.StdEncoding.EncodeToString(hash[:]))
	}
	fmt.Printf("\n%s", read(dir, "checkpoint"))
}

func main() {
	dir := os.Args[1]
	tree := openCheckpoint(dir)
	reader := tlog.TileHashReader(tree, tiles{dir})
	if os.Args[2] == "submission" {
		submission(dir, tree, reader, os.Args[3:])
		return
	}
	for _, text := range strings.Split(os.Args[2], ",") {
		index, err := strconv.ParseInt(text, 10, 64)
		if err != nil || index >= tree.N {
			fail("no entry %s", text)
		}
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			fail("entry %d: %v", index, err)
		}
		leaf := tlog.RecordHash(entry(dir, index, tree.N))
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			fail("entry %d: %v", index, err)
		}
	}
	if len(os.Args) > 3 {
		old := openCheckpoint(os.Args[3])
		proof, err := tlog.ProveTree(tree.N, old.N, reader)
		if err != nil {
			fail("consistency from %d: %v", old.N, err)
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
			fail("consistency from %d: %v", old.N, err)
		}
	}
	fmt.Printf("holds: size %d root %s\n", tree.N, base64.StdEncoding.EncodeToString(tree.Hash[:]))
}
