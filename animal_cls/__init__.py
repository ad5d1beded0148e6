"""From a folder of animal photos to a classifier that you can trust and explain.

    import animal_cls as ac
    predictor = ac.load()                              # the trained net in the package
    predictor('cat.jpg')                               # which animal is it, and is the net sure?

    root, items = ac.get_data('my photos')             # a folder for each class; without a name: the drawn sample
    ac.audit(ac.scan(root, items))                     # what is wrong with the photos
    cache = ac.prepare_data(root, items, size=144)     # split without leaks, decoded once
    ac.train('beyond', cache, ac.FAST, 'runs/mine')    # history; the weights are in runs/mine
    ac.evaluate('runs/mine/weights.safetensors', root, items)
    ac.make_report('runs/mine', root, items)           # one page about the run

Each name is imported when it is first used, so `import animal_cls` is quick. Everything else is in the modules, one for
each numbered notebook: `animal_cls.data`, `animal_cls.scan`, … The notebooks are the tutorial; open 01_data in JupyterLab."""
import inspect
import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

__version__ = "0.1.0"
_HOME = dict(get_data='data', open_image='data', scan='scan', audit='eda', prepare_data='preprocess', augment='augment',
             create_model='model', load_weights='model', DECK='recipe', FAST='recipe', TUNE='recipe', train='train',
             evaluate='evaluate', SAMPLE_WEIGHTS='evaluate', grad_cam='gradcam', load='predict',
             export_onnx='predict', browse='widgets', clean='widgets', make_report='report') # name -> its module
__all__ = [*_HOME]

def __getattr__(name:str): # one of the names above, or a module
    home = _HOME.get(name, name)
    if not name.startswith('__') and find_spec(f'animal_cls.{home}'):
        module = import_module(f'animal_cls.{home}')
        return module if name == home else getattr(module, name)
    raise AttributeError(f"module 'animal_cls' has no attribute '{name}'")

def __dir__(): return sorted({*globals(), *_HOME})

class _Verb(ModuleType):
    "A module that is called like its main function: `animal_cls.train(…)` is `animal_cls.train.train(…)`."
    def __call__(self, *args, **kwargs): return self._function(*args, **kwargs)
    _function = property(lambda self: getattr(self, self.__name__.rpartition('.')[2]))
    __signature__ = property(lambda self: inspect.signature(self._function))
    def __reduce__(self): return import_module, (self.__name__,) # to another process it goes by name

class _Package(ModuleType):
    def __setattr__(self, name, value): # Python puts each module here once it is imported
        if name == _HOME.get(name) and isinstance(value, ModuleType): value.__class__ = _Verb
        super().__setattr__(name, value)

sys.modules[__name__].__class__ = _Package
