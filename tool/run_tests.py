"""Builds, runs the test sections, counts. Called by ./check, whose --help tells the sections."""
import functools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, 'build', 'check')
SETUP = ['-Dbuildtype=debugoptimized', '-Db_sanitize=address,undefined', '-Db_lundef=false',
         '-Dwerror=true', '-Dstop_points=true', '-Ddefence_switches=true']
DEMO_PROGRAM = os.path.join(ROOT, 'build', 'demo', 'src', 'sluice')  # built by ./demo
UNIT_LOG = os.path.join(BUILD, 'meson-logs', 'testlog.json')
SETUP_MADE = os.path.join(BUILD, 'setup.json')  # of the directory that is there
SANITIZERS = {
    'ASAN_OPTIONS': 'detect_stack_use_after_return=1:strict_string_checks=1',
    'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1',
}
# Databases of tests are in memory: processes are killed there, and nobody pulls the plug.
MEMORY = {'TMPDIR': '/dev/shm'} if os.access('/dev/shm', os.W_OK) and 'TMPDIR' not in os.environ else {}
EXIT_SKIPPED = 77
BUILD_TIMEOUT_S = 1800
SECTION_TIMEOUT_S = 1800

Count = namedtuple('Count', 'passed failed skipped')
NOTHING = Count(0, 0, 0)


def add(one, other):
    return Count(*(a + b for a, b in zip(one, other)))


def run(command, timeout_s=SECTION_TIMEOUT_S, **environment):
    """(exit status, output). What it leaves running is ended; too late is exit status 124."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env={**os.environ, **MEMORY, **SANITIZERS, **environment}, start_new_session=True)
        try:
            status = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            status = 124
        finally:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()
        output.seek(0)
        return status, output.read().decode(errors='replace')


def show(title, output):
    print(f'--- {title}\n{output.rstrip()}\n---', flush=True)


class Checker:
    def __init__(self):
        self.is_built = False
        self.unit_ran = False

    def build(self):
        if not is_set_up():
            status, output = run(['meson', 'setup', '--wipe', BUILD, *SETUP]
                                 if os.path.exists(BUILD) else ['meson', 'setup', BUILD, *SETUP])
            if status != 0:
                show('meson setup failed', output)
                return Count(0, 1, 0)
            with open(SETUP_MADE, 'w', encoding='utf-8') as file:
                json.dump(SETUP, file)
        status, output = run(['ninja', '-C', BUILD, f'-j{os.cpu_count()}'], BUILD_TIMEOUT_S)
        if status != 0:
            show('the build failed', output[max(output.find('FAILED:'), 0):])
            return Count(0, 1, 0)
        self.is_built = True
        return NOTHING

    def lint(self):
        objects = ['--objects', BUILD] if self.is_built else []
        status, output = run([os.path.join('tool', 'lint'), *objects])
        if status != 0:
            show('tool/lint', output)
        else:
            print(f'   {output.splitlines()[-1]}')
        own = Count(1, 0, 0) if status == 0 else Count(0, 1, 0)
        for path in sorted_paths('test/lint', '.py'):
            own = add(own, self.python_tests(path))
        return own

    def python_tests(self, path):
        status, output = run([sys.executable, path])
        counted = {name: int(number) for name, number in re.findall(
            r'\b(failures|errors|skipped|unexpected successes)=(\d+)', output)}
        ran = re.search(r'^Ran (\d+) tests?', output, re.M)
        skipped = counted.pop('skipped', 0)
        failed = sum(counted.values())
        if status != 0 or not ran:
            show(path, output)
            failed = max(failed, 1)
        return Count(max(int(ran.group(1)) - failed - skipped, 0) if ran else 0, failed, skipped)

    def unit(self):
        log = UNIT_LOG
        if os.path.exists(log):
            os.remove(log)
        status, output = run(['meson', 'test', '-C', BUILD, '--no-rebuild', '-t', '3'])
        total = NOTHING
        if os.path.exists(log):
            with open(log, encoding='utf-8') as lines:
                for line in lines:
                    total = add(total, count_meson(json.loads(line)))
        if total == NOTHING or (status != 0 and total.failed == 0):
            show('meson test', output)
            total = add(total, Count(0, 1, 0))
        self.unit_ran = os.path.exists(log)
        return total

    def tools(self):
        total = self.node_tests(sorted_paths('test/tools/test', '.test.mjs'))
        # The committed vectors are what the programs of others say today.
        for path in sorted_paths('test/vector', '.mjs'):
            total = add(total, self.command('node', path, '--check'))
        return total

    def node_tests(self, paths, **environment):
        if not paths:
            return NOTHING
        command = ['node', '--test', '--test-reporter=tap', *paths]
        status, output = run(command, **environment)
        counted = {name: int(number) for name, number in
                   re.findall(r'^# (pass|fail|cancelled|skipped|todo) (\d+)$', output, re.M)}
        failed = counted.get('fail', 0) + counted.get('cancelled', 0)
        if status != 0 or 'pass' not in counted:
            show(' '.join(paths), only_failures(output))
            failed = max(failed, 1)
        return Count(counted.get('pass', 0), failed,
                     counted.get('skipped', 0) + counted.get('todo', 0))

    def sim(self):
        return self.node_tests(sorted_paths('test/sim', '.test.mjs'), SLUICE=find_program())

    def failures(self):
        """What the section before has seen pass is not run a second time."""
        results = ['--results', UNIT_LOG] if self.unit_ran else []
        return self.mutation_run('--tests', *results)

    def mutation(self):
        return self.mutation_run('--defences')

    def mutation_run(self, *what):
        """Prints its table; each row counts."""
        status, output = run(['test/mutation/run', '--build', BUILD, *what])
        print('   ' + output.rstrip().replace('\n', '\n   '))
        counted = re.findall(r'(\d+) of (\d+)', output.splitlines()[-1] if output else '')
        passed = sum(int(good) for good, _ in counted)
        failed = sum(int(all_) for _, all_ in counted) - passed
        return Count(passed, max(failed, 1 if status != 0 else 0), 0)

    def model(self):
        total = NOTHING
        for part in ('names', 'configurations', 'mutations'):
            total = add(total, self.script('test/model/run', part))
        return total

    def coverage(self):
        return self.script('test/coverage')

    def integration(self):
        """A file for each core: they have servers, ports and directories of their own, and wait much."""
        paths = [path for path in sorted_paths('test/integration') + sorted_paths('test/e2e')
                 if path.endswith('.test.mjs') or os.access(os.path.join(ROOT, path), os.X_OK)]
        paths.sort(key=lambda path: path not in LONGEST)
        program = {'SLUICE': find_program()}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            counts = pool.map(lambda path: self.integration_file(path, program), paths)
            return functools.reduce(add, counts, NOTHING)

    def integration_file(self, path, program):
        begun = time.monotonic()
        is_node = path.endswith('.test.mjs')
        count = self.node_tests([path], **program) if is_node else self.script(path, **program)
        print(f'   {path}: {describe(count)} ({time.monotonic() - begun:.1f} s)', flush=True)
        return count

    def script(self, *command, **environment):
        return self.command(os.path.join('.', command[0]), *command[1:], **environment)

    def command(self, *command, **environment):
        status, output = run(command, **environment)
        if status == EXIT_SKIPPED:
            return Count(0, 0, 1)
        if status != 0:
            show(f'{" ".join(command)}: exit status {status}', output)
        return Count(1, 0, 0) if status == 0 else Count(0, 1, 0)

    def demo(self):
        if not os.path.exists(os.path.join(ROOT, 'demo')):
            return NOTHING
        return add(self.script('demo', '--small'), self.no_switches(DEMO_PROGRAM))

    def no_switches(self, program):
        """A program as it is shipped reads no variable that takes out defences, or stops it."""
        with open(program, 'rb') as file:
            found = re.findall(rb'DEFENCES_OUT|SLUICE_TEST_STOP', file.read())
        if found:
            show(program, f'has switches of tests: {found[0].decode()}')
        return Count(0, 1, 0) if found else Count(1, 0, 0)


SECTIONS = ('lint', 'unit', 'failures', 'mutation', 'model', 'coverage', 'sim', 'tools', 'integration',
            'demo')
LONGEST = ('test/e2e/cluster.test.mjs', 'test/e2e/keys.test.mjs')  # of integration: they begin first
NEED_BUILD = ('unit', 'failures', 'mutation', 'sim', 'integration')


def is_set_up():
    if not os.path.exists(SETUP_MADE) or not os.path.exists(os.path.join(BUILD, 'build.ninja')):
        return False
    with open(SETUP_MADE, encoding='utf-8') as file:
        return json.load(file) == SETUP


def sorted_paths(directory, suffix=''):
    place = os.path.join(ROOT, directory)
    names = os.listdir(place) if os.path.isdir(place) else []
    return [os.path.join(directory, name) for name in sorted(names)
            if name.endswith(suffix) and os.path.isfile(os.path.join(place, name))]


def find_program():
    """The sluice that was built here."""
    _, output = run(['meson', 'introspect', '--targets', BUILD])
    files = [target['filename'][0] for target in json.loads(output) if target['name'] == 'sluice'
             and target['type'] == 'executable']
    return files[0] if files else ''


def count_meson(test):
    """TAP lines where there are any, otherwise the executable as one test."""
    lines = re.findall(r'^(ok|not ok)\b(.*)$', test.get('stdout', ''), re.M)
    skipped = sum(1 for _, rest in lines if re.search(r'# *skip', rest, re.I))
    failed = sum(1 for verdict, _ in lines if verdict == 'not ok')
    passed = len(lines) - skipped - failed
    result = test['result']
    if result == 'SKIP' and not lines:
        return Count(0, 0, 1)
    if result == 'OK':
        return Count(max(passed, 0 if lines else 1), failed, skipped)
    if result == 'SKIP':
        return Count(passed, failed, skipped)
    show(f'{test["name"]}: {result}', f'{test.get("stdout", "")}\n{test.get("stderr", "")}')
    return Count(passed, max(failed, 1), skipped)


def only_failures(tap):
    """Without the tests that passed and their details."""
    kept, is_passing = [], False
    for line in tap.splitlines():
        text = line.strip()
        if re.match(r'(not )?ok \d', text):
            is_passing = text.startswith('ok')
        elif text.startswith('# Subtest:'):
            continue
        elif text == '...' and is_passing:
            is_passing = False
            continue
        if not is_passing:
            kept.append(line)
    return '\n'.join(kept)


def describe(count):
    return f'{count.passed} passed, {count.failed} failed, {count.skipped} skipped'


def main(names):
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        print(f'check: {unknown[0]}: no such section; see ./check --help', file=sys.stderr)
        return 2
    wanted = [name for name in SECTIONS if not names or name in names]
    plan = (['build'] if not names or set(wanted) & set(NEED_BUILD) else []) + wanted
    checker, total = Checker(), NOTHING
    for name in plan:
        begun = time.monotonic()
        print(f'== {name}', flush=True)
        if name in NEED_BUILD and not checker.is_built:
            print('   not run: the build failed')
            continue
        count = getattr(checker, name)()
        total = add(total, count)
        what = describe(count) if count != NOTHING else 'done'
        print(f'   {what} ({time.monotonic() - begun:.1f} s)', flush=True)
    if total.skipped and os.environ.get('CI') == 'true':
        print('check: nothing may be skipped in CI')
    print(describe(total), flush=True)
    return 1 if total.failed or (total.skipped and os.environ.get('CI') == 'true') else 0


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
