package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
)

// aliases are the names people gave their phones, by the phones' identity.
type aliases map[string]string

type aliasFile struct {
	Phones aliases `toml:"phones"`
}

func aliasPath() (string, error) {
	dir, err := configDir()
	return filepath.Join(dir, "phones.toml"), err
}

func readAliases() (aliases, error) {
	path, err := aliasPath()
	if err != nil {
		return nil, err
	}
	var f aliasFile
	if _, err := toml.DecodeFile(path, &f); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the names of the phones: %w", err)
	}
	return f.Phones, nil
}

// identity finds the phone of a name; "" when nobody has it.
func (a aliases) identity(name string) string {
	for id, alias := range a {
		if name != "" && strings.EqualFold(alias, name) {
			return id
		}
	}
	return ""
}

// set names a phone and writes the file anew.
func (a aliases) set(identity, name string) error {
	if strings.ContainsAny(name, "/:") || strings.TrimSpace(name) != name || name == "" {
		return fmt.Errorf("%q cannot name a phone: no slashes, no colons, no spaces around it", name)
	}
	if other := a.identity(name); other != "" && other != identity {
		return fmt.Errorf("another phone is called %s already", name)
	}
	all := aliasFile{aliases{identity: name}}
	for id, alias := range a {
		if id != identity {
			all.Phones[id] = alias
		}
	}
	var out bytes.Buffer
	if err := toml.NewEncoder(&out).Encode(all); err != nil {
		return err
	}
	path, err := aliasPath()
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = replaceFile(path, out.Bytes(), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the names of the phones: %w", err)
	}
	return nil
}
