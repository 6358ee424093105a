package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"shoebox/repo"
)

const formatVersion = repo.Version

// flags are those every command has. An empty one is looked for in the environment, then in the configuration.
type flags struct {
	repository      string
	passwordFile    string
	passwordCommand string
	keyFile         string
	cacheDir        string
	configFile      string
	json            bool
	quiet           bool
	verbose         int
}

func (f *flags) add(set *pflag.FlagSet) {
	set.StringVarP(&f.repository, "repo", "r", "", "the repository's `folder` ($SHOEBOX_REPOSITORY)")
	set.StringVarP(&f.passwordFile, "password-file", "p", "", "read the password from the first line of a `file` ($SHOEBOX_PASSWORD_FILE)")
	set.StringVar(&f.passwordCommand, "password-command", "", "run a `command` that prints the password ($SHOEBOX_PASSWORD_COMMAND)")
	set.StringVar(&f.keyFile, "key-file", "", "open with a key `file` ($SHOEBOX_KEY_FILE)")
	set.StringVar(&f.cacheDir, "cache-dir", "", "`folder` for the local index, which may be deleted at any time ($SHOEBOX_CACHE_DIR)")
	set.StringVar(&f.configFile, "config", "", "configuration `file` in TOML ($SHOEBOX_CONFIG)")
	set.BoolVar(&f.json, "json", false, "print lines of JSON for programs")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing unless something is wrong")
	set.CountVarP(&f.verbose, "verbose", "v", "say more; twice for every file")
}

// config is the configuration file.
type config struct {
	Repository      string   `toml:"repository"`
	PasswordFile    string   `toml:"password_file"`
	PasswordCommand string   `toml:"password_command"`
	KeyFile         string   `toml:"key_file"`
	CacheDir        string   `toml:"cache_dir"`
	Sources         []string `toml:"sources"` // what `shoebox backup` without a source backs up
	Exclude         []string `toml:"exclude"`
	BrakeShare      string   `toml:"brake_share"`  // as --brake-share
	Recheck         string   `toml:"recheck"`      // as --recheck
	Notify          []string `toml:"notify"`       // places that are told of each backup, as package post says
	NotifyNames     bool     `toml:"notify_names"` // and with the names of files
	Overdue         string   `toml:"overdue"`      // a device not backed up for longer, such as 3d, is not seen
	Addresses       []string `toml:"addresses"`    // of phones that are reached over Wi-Fi, for watch
	Retired         []string `toml:"retired"`      // devices that will not come back
	BrakeLeast      int      `toml:"brake_least"`  // so many pictures at least must be lost to pull the brake
}

// prepare fills the flags from the environment and the configuration: a flag over the environment over the file.
func (p *program) prepare(cmd *cobra.Command) error {
	if cmd.GroupID != looking && p.makeRoom != nil {
		p.makeRoom()
	}
	if err := p.readConfig(); err != nil {
		return err
	}
	for _, v := range []struct {
		flag     *string
		env, set string
	}{
		{&p.flags.repository, "SHOEBOX_REPOSITORY", p.config.Repository},
		{&p.flags.cacheDir, "SHOEBOX_CACHE_DIR", p.config.CacheDir},
	} {
		*v.flag = firstOf(*v.flag, os.Getenv(v.env), v.set)
	}
	var err error
	p.named = p.flags.repository != ""
	if !p.named {
		if p.flags.repository, err = defaultRepository(); err != nil {
			return err
		}
	}
	if p.flags.cacheDir == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return nil // no cache then: slower, but right
		}
		p.flags.cacheDir = filepath.Join(dir, "shoebox")
	}
	return nil
}

func (p *program) readConfig() error {
	path := firstOf(p.flags.configFile, os.Getenv("SHOEBOX_CONFIG"))
	wanted := path != ""
	if !wanted {
		dir, err := configDir()
		if err != nil {
			return nil // nowhere to look
		}
		path = filepath.Join(dir, "config.toml")
	}
	meta, err := toml.DecodeFile(path, &p.config)
	if errors.Is(err, fs.ErrNotExist) && !wanted {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the configuration %s: %w", path, err)
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return fmt.Errorf("read the configuration %s: there is no setting %q", path, extra[0].String())
	}
	return nil
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// configDir is where the configuration, the aliases of phones and key files lie.
func configDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for configuration: %w", err)
	}
	return filepath.Join(dir, "shoebox"), nil
}

// defaultRepository is a folder under the user's data directory.
func defaultRepository() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "shoebox"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a place for the repository: %w; say where with -r", err)
	}
	switch runtime.GOOS {
	case "windows":
		return filepath.Join(firstOf(os.Getenv("LOCALAPPDATA"), home), "shoebox"), nil
	case "darwin":
		return filepath.Join(home, "Library", "Application Support", "shoebox"), nil
	}
	return filepath.Join(home, ".local", "share", "shoebox"), nil
}
